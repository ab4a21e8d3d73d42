"""`python -m portico` and the command `portico`."""

import sys


def main() -> None:
    from portico.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
