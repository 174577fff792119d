import sys
from pathlib import Path

# the processes that stand for a shell import the harness by name
sys.path.append(str(Path(__file__).parent))
