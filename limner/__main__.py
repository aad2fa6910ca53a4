"""What `python -m limner` runs: the same as the command `limner`."""

import sys

from limner.agent.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
