"""The command line: mounts the commands, and turns every outcome into an exit code and a message."""

import os
import sys
from collections.abc import Sequence
from functools import cache
from importlib.metadata import entry_points, version
from signal import SIGINT, SIGTERM

import cyclopts

from planwise.errors import InputError, PlanWiseError
from planwise.failures import INTERRUPTED, TERMINATED, Failure, close_broken_pipe, internal, report
from planwise.processes import Terminated, install_handlers, raise_if_stopped

COMMANDS_GROUP = "planwise.commands"
JSON_FLAG = "--json"

app = cyclopts.App(
    name="planwise",
    help_epilogue="`--home FOLDER`, before or after the command, is used instead of PLANWISE_HOME.",
    help="Simulate a whole workforce for any pay levers, solve for targets, gate, publish.",
    version=lambda: version("planwise"),
    suppress_keyboard_interrupt=False,
)

# Named, not imported: a command's modules are loaded when it runs.
MOUNTED = {
    "census": ("planwise.census.commands:app", "Import, generate and choose the census."),
    "parameters": ("planwise.parameters.commands:app", "The levers and assumptions that there are."),
    "scenario": ("planwise.scenario_commands:app", "Named sets of overrides on a census."),
    "employee": ("planwise.comparison.commands:employee", "One person's events and pay, year by year."),
    "study": ("planwise.study.commands:app", "The searches for levers that meet a target."),
}
for _name, (_target, _help) in MOUNTED.items():
    app.command(_target, name=_name, help=_help)


class UsageError(InputError):
    """A command line that names no command, or gives it what it does not take."""


def main(tokens: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    sys.exit(run(sys.argv[1:] if tokens is None else tokens))


def run(tokens: Sequence[str]) -> int:
    """Run one command; return its exit code. Never a traceback for what PlanWise raises on purpose."""
    install_handlers(SIGTERM, SIGINT)
    as_json = JSON_FLAG in tokens
    try:
        return _run_until_signal(tokens)
    except PlanWiseError as error:
        failure = Failure(error.exit_code, type(error).__name__, error.what, error.remedy)
        return report(failure, as_json=as_json)
    except KeyboardInterrupt:
        return report(Failure(INTERRUPTED, "Interrupted", "Interrupted; stopped.", None), as_json=as_json)
    except Terminated:
        return report(Failure(TERMINATED, "Terminated", "SIGTERM; stopped.", None), as_json=as_json)
    except BrokenPipeError:
        return close_broken_pipe()
    except Exception as error:
        return report(internal(error, tokens), as_json=as_json)


def _run_until_signal(tokens: Sequence[str]) -> int:
    """Run one command; what fails because a library was interrupted ends as the signal says."""
    try:
        return _dispatch(_without_leading_home(tokens))
    except Exception:
        raise_if_stopped()
        raise


def _dispatch(tokens: Sequence[str]) -> int:
    _load_further_commands()
    try:
        result = app(tokens, exit_on_error=False, print_error=False, result_action="return_value")
    except cyclopts.CycloptsError as error:
        raise UsageError(
            str(error), remedy="`planwise --help` and `planwise COMMAND --help` say how."
        ) from error
    sys.stdout.flush()
    return result if type(result) is int else 0


def _without_leading_home(tokens: Sequence[str]) -> Sequence[str]:
    """Take `--home X` off the front, where it stands for every command that follows."""
    if tokens and tokens[0].startswith("--home="):
        os.environ["PLANWISE_HOME"] = tokens[0].removeprefix("--home=")
        return tokens[1:]
    if len(tokens) > 1 and tokens[0] == "--home":
        os.environ["PLANWISE_HOME"] = tokens[1]
        return tokens[2:]
    return tokens


@cache
def _load_further_commands() -> None:
    """Let the packages around the core add their commands; one that is not installed is named, not fatal."""
    for entry in entry_points(group=COMMANDS_GROUP):
        try:
            entry.load()(app)
        except ImportError as error:
            sys.stderr.write(f"The commands of {entry.name!r} are not available: {error}\n")
