"""Run `python -m labctl.service.safety CONFIG.json`."""

import sys

from labctl.service.safety.keeper import main

sys.exit(main(sys.argv[1:]))
