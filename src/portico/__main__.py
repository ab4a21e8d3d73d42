"""`python -m portico` and the command `portico`."""

import sys


def main() -> None:
    if sys.argv[1:3] == ["mcp", "stdio"]:
        from portico.cli.bridge import plainly, serve

        # A desktop client waits for this at every start, so the parser of the other commands is left aside.
        if (asked := plainly(sys.argv[3:])) is not None:
            sys.exit(serve(*asked))
    from portico.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
