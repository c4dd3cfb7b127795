"""`python -m pmc15m`: the command line."""

import sys

from pmc15m.cli import main

if __name__ == "__main__":
    sys.exit(main())
