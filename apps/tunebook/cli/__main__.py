"""`python -m tunebook.cli`."""

import sys

from tunebook.cli import main

sys.exit(main())
