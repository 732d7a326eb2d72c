"""One thin script per stage of dvc.yaml. Each runs with this checkout's own library, installed or not."""

import sys
from pathlib import Path

# Queued experiments run in a copy of the tree: an editable install would silently give them the original tree's code.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
