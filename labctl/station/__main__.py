"""Print the JSON schema of the station file: `python -m labctl.station`."""

import sys

from labctl.station.schema import schema_text

sys.stdout.write(schema_text())
