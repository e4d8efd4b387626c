"""Starts the keeper, by the path of this folder: no package of ours needs to be installed."""

import os
import sys

above = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.append(above)  # last, so that nothing beside this folder hides a standard module
from runner.keeper import main  # type: ignore[import-not-found]  # noqa: E402

sys.path.remove(above)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
