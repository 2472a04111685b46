"""The modules beside the fault tests are also run by path, in processes of their own."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
