"""Print the OpenAPI document."""

import sys

from labctl.service.api.openapi import openapi_text

sys.stdout.write(openapi_text())
