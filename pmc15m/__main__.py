"""`pmc15m` and `python -m pmc15m`: the command line."""

import signal
import sys


def main() -> int:
    """Run the command line; its exit code."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while it loads ends it without a word
    from pmc15m.cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
