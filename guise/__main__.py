"""`python3 -m guise`: the same as the `guise` command."""

import sys

from guise.cli import main

if __name__ == "__main__":
    sys.exit(main())
