import sys
from pathlib import Path

# the harness is also imported by processes that the tests start and kill
sys.path.append(str(Path(__file__).parent))
