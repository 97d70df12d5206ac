"""The command line, one file per command group; the work is done by the use-cases in `planwise.app`."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line and exit with its code; Ctrl-C is heard while the modules are imported, too."""
    try:
        from planwise.processes import collect_rarely, keep_private

        keep_private()
        collect_rarely()
        from planwise.cli.commands import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
