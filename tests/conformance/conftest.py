"""Makes the stand-in importable as ``official``; it imports nothing of ``cocoon``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
