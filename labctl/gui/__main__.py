"""Open the window: `python -m labctl.gui [DATA]`."""

import sys

from labctl.gui.app import run

sys.exit(run(sys.argv[1] if len(sys.argv) > 1 else None))
