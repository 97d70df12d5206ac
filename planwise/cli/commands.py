"""The command line: register commands, turn errors into messages and exit codes."""

import contextlib
import os
import re
import sys
import tempfile
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from signal import SIGINT, SIGPIPE, SIGTERM
from typing import Any

import cyclopts
import pydantic
from rich.text import Text

from planwise.cli.options import PARAMETERS
from planwise.console import emit_json, progress, settings_for
from planwise.errors import InputError, PlanWiseError, expected_error
from planwise.masking import describe_error, masked_traceback
from planwise.processes import (
    Terminated,
    discard_output,
    exit_code_of,
    forget_signals,
    install_handlers,
    open_standard_streams,
    raise_if_stopped,
)
from planwise.settings import HOME_VARIABLE, home_folder

INTERNAL = 5
BROKEN_PIPE = 128 + SIGPIPE
LOGS = "logs"


@dataclass(frozen=True)
class CommandFailure:
    """A reported error: message, remedy and exit code."""

    exit_code: int
    type: str
    what: str
    remedy: str | None


def report(failure: CommandFailure, *, as_json: bool) -> int:
    """Print the failure, as text on stderr or as the JSON object on stdout; return the exit code."""
    try:
        if as_json:
            emit_json({"error": {"type": failure.type, "what": failure.what, "remedy": failure.remedy}})
        else:
            console = progress()
            console.print(Text(failure.what, style="red"), soft_wrap=True)
            if failure.remedy:
                console.print(Text(failure.remedy), soft_wrap=True)
    except OSError:  # a full disk, or a reader that has ended: the exit code is all that can be said
        discard_output()
    return failure.exit_code


def internal(error: Exception, tokens: Sequence[str]) -> CommandFailure:
    """Write the traceback to a log file and return the failure that names the file."""
    text = masked_traceback(error)
    stamp = datetime.now(UTC)
    name = f"error-{stamp:%Y%m%dT%H%M%SZ}-{os.getpid()}.log"
    content = f"{stamp.isoformat()}\nplanwise {' '.join(tokens)}\n\n{text}"
    return CommandFailure(
        INTERNAL,
        type(error).__name__,
        f"Internal error: {describe_error(error)}",
        f"The traceback is {_write(name, content, tokens)}; please report it.",
    )


def _write(name: str, content: str, tokens: Sequence[str]) -> str:
    """Write into the home's logs, or into the system's temporary folder; return where the text is."""
    for in_home in (True, False):
        with contextlib.suppress(OSError, PlanWiseError):
            folder = settings_for(_home_of(tokens)).root / LOGS if in_home else Path(tempfile.gettempdir())
            folder.mkdir(parents=True, exist_ok=True)
            file = folder / name
            file.write_text(content, encoding="utf-8", errors="backslashreplace")
            return f"in {file}"
    return f"not stored, because no folder can be written:\n{content}\n"


def _home_of(tokens: Sequence[str]) -> Path | None:
    """Return the folder of `--home X` or `--home=X`."""
    for index, token in enumerate(tokens):
        if token == "--home" and index + 1 < len(tokens):
            return Path(tokens[index + 1])
        if token.startswith("--home="):
            return Path(token.removeprefix("--home="))
    return None


JSON_FLAG = "--json"

app = cyclopts.App(
    name="planwise",
    group_parameters=PARAMETERS,
    help_epilogue="`--home FOLDER`, before or after the command, is used instead of PLANWISE_HOME, and "
    "`--as NAME` acts as another user than the operating system's.",
    help="Simulate a whole workforce for any pay levers, solve for targets, gate, publish.",
    version=lambda: version("planwise"),
    suppress_keyboard_interrupt=False,
)

# Import paths: a command's modules are loaded when it runs.
COMMANDS = {
    "census": ("planwise.cli.census:app", "Import, generate, choose and delete censuses."),
    "parameters": ("planwise.cli.parameters:app", "List levers and assumptions."),
    "scenario": ("planwise.cli.scenario:app", "Create, copy and list scenarios (named sets of overrides)."),
    "study": ("planwise.cli.study:app", "List, show, export and delete studies."),
    "employee": ("planwise.cli.employee:employee", "Show an employee's events and pay, year by year."),
    "demo": ("planwise.cli.demo:demo", "Generate, simulate, optimize and publish a synthetic example."),
    "simulate": ("planwise.cli.simulate:simulate", "Simulate a scenario, gate it, publish it."),
    "preview": (
        "planwise.cli.simulate:preview",
        "Show a scenario's KPIs, computed in memory; nothing is published.",
    ),
    "optimize": (
        "planwise.cli.optimize:optimize",
        "Find levers that meet a growth target; publish the result.",
    ),
    "ensemble": ("planwise.cli.ensemble:ensemble", "Show P10, P50 and P90 of each KPI under many seeds."),
    "sensitivity": ("planwise.cli.ensemble:sensitivity", "Show how a KPI responds to each lever."),
    "compare": ("planwise.cli.compare:compare", "Compare scenarios: levers, KPIs, people; Excel."),
    "increases": ("planwise.cli.papers:increases", "Write the increase list: who gets what, and when."),
    "summary": ("planwise.cli.papers:summary", "Write a scenario on one page, as HTML or PDF."),
    "equity": ("planwise.cli.equity:equity", "Show pay gaps, their intervals, and the cost to close them."),
    "calibrate": ("planwise.cli.calibrate:calibrate", "Estimate rates from yearly censuses."),
    "backtest": ("planwise.cli.calibrate:backtest", "Forecast a past year and compare with what happened."),
    "propose": ("planwise.cli.proposals:propose", "Put a scenario up for approval."),
    "proposals": ("planwise.cli.proposals:proposals", "List proposals and their approvals."),
    "approve": ("planwise.cli.proposals:approve", "Approve a proposal."),
    "reject": ("planwise.cli.proposals:reject", "Reject a proposal."),
    "request-changes": ("planwise.cli.proposals:request_changes", "Send a proposal back."),
    "comment": ("planwise.cli.proposals:comment", "Comment on a proposal."),
    "withdraw": ("planwise.cli.proposals:withdraw", "Take a proposal back."),
    "papers": ("planwise.cli.papers:papers", "Write a proposal on one page, or its decision record."),
    "monitor": ("planwise.cli.monitor:monitor", "Compare actuals with the released plan."),
    "audit": ("planwise.cli.audit:app", "Verify, read, report and export the audit trail."),
    "sweep": ("planwise.cli.sweep:sweep", "Simulate all scenarios; report changes since the last sweep."),
    "release": ("planwise.cli.release:release", "Release an approved proposal; --apply does it."),
    "rollback": ("planwise.cli.release:rollback", "Put a checkpoint in force again; --apply does it."),
    "checkpoints": ("planwise.cli.checkpoints:checkpoints", "List what can be rolled back to."),
    "rollout": ("planwise.cli.release:rollout", "Plan a scenario's rollout in simulated phases."),
    "maintain": (
        "planwise.cli.sweep:maintain",
        "Remove what is no longer needed, and compact the warehouse.",
    ),
    "backup": ("planwise.cli.backup:backup", "Write a backup of the home, while it is used."),
    "restore": (
        "planwise.cli.backup:restore",
        "Restore a backup into an empty home; --replace keeps the old.",
    ),
    "up": ("flows.up:up", "Run Prefect server, worker and dashboard together."),
    "automations": ("flows.automations:app", "Install automations that notify on the Prefect server."),
    "deploy": ("flows.deployments:deploy", "Register the deployments on the configured Prefect server."),
    "doctor": ("flows.doctor:doctor", "Check the installation and suggest remedies."),
    "performance": ("planwise.cli.performance:app", "Show what runs took, against earlier ones."),
    "enrich": ("planwise.cli.enrich:app", "Match names with a reference: recipients, market."),
    "benchmark": (
        "planwise.cli.benchmark:benchmark",
        "Time trials, previews and simulations on this machine.",
    ),
    "serve": ("ui.serve:serve", "Serve the dashboard on this machine."),
    "user": ("planwise.cli.user:app", "Manage dashboard users."),
    "completion": ("planwise.cli.completion:app", "Complete commands in the shell."),
}
for _name, (_target, _help) in COMMANDS.items():
    app.command(_target, name=_name, help=_help)


class UsageError(InputError):
    """An unknown command, or arguments that it does not accept."""


def run(tokens: Sequence[str]) -> int:
    """Run one command; return its exit code. A PlanWiseError is printed without a traceback."""
    install_handlers(SIGTERM, SIGINT, insist=True)
    open_standard_streams()
    as_json = JSON_FLAG in tokens
    try:
        _check_text(tokens)
        if os.path.expanduser("~") == "~":  # a user id without an account, as in containers
            os.environ["HOME"] = str(home_folder(_home_of(tokens)))  # libraries keep their own settings there
        return _run_until_signal(tokens)
    except KeyboardInterrupt as stop:
        forget_signals()  # heard: while the exception is there, nothing sends the signal again
        failure = CommandFailure(exit_code_of(stop), "Interrupted", "Interrupted.", None)
        return report(failure, as_json=as_json)
    except Terminated as stop:
        forget_signals()
        failure = CommandFailure(exit_code_of(stop), "Terminated", "Terminated by SIGTERM.", None)
        return report(failure, as_json=as_json)
    except BrokenPipeError:
        discard_output()
        return BROKEN_PIPE
    except Exception as error:
        known = expected_error(error)
        if known is None:
            return report(internal(error, tokens), as_json=as_json)
        failure = CommandFailure(known.exit_code, type(known).__name__, known.what, known.remedy)
        return report(failure, as_json=as_json)
    finally:
        forget_signals()


def _check_text(tokens: Sequence[str]) -> None:
    """Raise UsageError for arguments that no file, database or terminal can keep."""
    for token in tokens:
        if any(unicodedata.category(letter) == "Cs" or letter == "\0" for letter in token):
            raise UsageError(
                f"The argument {token[:200]!a} is not text: it has bytes that are not UTF-8, or a NUL.",
                remedy="Rename the file or folder, or correct the argument.",
            )
        if token == "--home=" or ("--home", "") in pairwise(tokens):
            raise UsageError("--home names no folder.", remedy="Give a folder, or leave --home out.")


def _run_until_signal(tokens: Sequence[str]) -> int:
    """Run one command; an error that a signal caused in a library ends as the signal does."""
    try:
        with _as_person(tokens) as rest:
            return _dispatch(_without_leading_home(rest))
    except Exception:
        raise_if_stopped()
        raise


@contextlib.contextmanager
def _as_person(tokens: Sequence[str]) -> Iterator[Sequence[str]]:
    """Act as the person named by `--as`, before or after the command; yields the other arguments."""
    rest = list(tokens)
    at = next((n for n, token in enumerate(rest) if token == "--as" or token.startswith("--as=")), None)
    if at is None:
        yield rest
        return
    option = rest.pop(at)
    name = option.partition("=")[2] if "=" in option else rest.pop(at) if at < len(rest) else ""
    if not name or name.startswith("-"):
        raise UsageError("--as names no one.", remedy="Write `--as NAME`.")
    from planwise.governance.roles import acting_as  # the ledger's library takes a while to import

    with acting_as(name):
        yield rest


def _dispatch(tokens: Sequence[str]) -> int:
    try:
        command, bound, _ = app.parse_args(tokens, exit_on_error=False, print_error=False)
    except cyclopts.CycloptsError as error:
        called = " ".join(("planwise", *(error.command_chain or ())))
        raise UsageError(_usage_text(error, called), remedy=f"See `{called} --help`.") from error
    if "home" in bound.signature.parameters:
        with _from_home(bound.arguments):
            result = command(*bound.args, **bound.kwargs)
    else:
        result = command(*bound.args, **bound.kwargs)
    sys.stdout.flush()
    return result if type(result) is int else 0


PATH_VARIABLES = (
    HOME_VARIABLE,
    "PLANWISE_PROJECT",
    "PLANWISE_USERS_FILE",
    "PLANWISE_OIDC_CLIENT_SECRET_FILE",
    "PLANWISE_GATE_THRESHOLDS",
    "PLANWISE_LEDGER_KEY_FILE",
    "PLANWISE_BACKUPS_DIR",
    "PLANWISE_PERFORMANCE_THRESHOLDS",
    "PREFECT_HOME",
    "PREFECT_PROFILES_PATH",
)
URL_VARIABLES = ("PLANWISE_LEDGER_URL", "PLANWISE_STUDY_STORAGE_URL")
RELATIVE_SQLITE = re.compile(r"(sqlite(?:\+\w+)?:///)([^/:].*)")


@contextlib.contextmanager
def _from_home(arguments: dict[str, Any]) -> Iterator[None]:
    """Run a command from its home, with what the caller named by relative paths made absolute.

    Libraries read settings, and some code, from the current folder, which may be a stranger's.
    """
    try:
        caller = Path.cwd()
    except FileNotFoundError as error:
        raise InputError(
            "The current folder has been deleted.", remedy="Change to another folder, and try again."
        ) from error
    for name, value in arguments.items():
        arguments[name] = _absolute(value)
    for name in PATH_VARIABLES:
        if value := os.environ.get(name):
            with contextlib.suppress(RuntimeError):  # no such user; the command reports it
                os.environ[name] = str(Path(value).expanduser().absolute())
    for name in URL_VARIABLES:
        if found := RELATIVE_SQLITE.fullmatch(os.environ.get(name, "")):
            os.environ[name] = f"{found[1]}{Path(found[2]).absolute()}"
    home = home_folder(arguments.get("home"))
    os.environ.setdefault(HOME_VARIABLE, str(home))
    os.chdir(home.anchor)  # until there is a home; only the administrator can put files there
    with contextlib.suppress(OSError):
        os.chdir(home)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.chdir(caller)


def _absolute(value: Any) -> Any:
    """Return an argument with absolute paths."""
    if isinstance(value, Path):
        return value.absolute()
    if isinstance(value, tuple):
        return tuple(map(_absolute, value))
    if isinstance(value, pydantic.BaseModel):
        fields = {name: _absolute(found) for name, found in value if found is not None}
        return value.model_copy(
            update={name: new for name, new in fields.items() if new != getattr(value, name)}
        )
    return value


def _usage_text(error: cyclopts.CycloptsError, called: str) -> str:
    """Return the error's text; values that a request rejects are named by option, as Cyclopts does."""
    if isinstance(error, cyclopts.UnusedCliTokensError):
        left_over = " ".join(error.unused_tokens or ())
        return f"The command does not take {left_over!r} at this place: values follow their option."
    rejected, argument = error.__cause__, error.argument
    if isinstance(error, cyclopts.MissingArgumentError) and argument is not None:
        if given := error.keyword or next((t.keyword for t in argument.tokens if t.keyword), None):
            return f"{given} needs a value."
        is_place = argument.field_info.is_positional
        return f"`{called}` needs {argument.name.lstrip('-').upper() if is_place else argument.name}."
    if not isinstance(rejected, pydantic.ValidationError) or argument is None:
        return str(error)
    options = {child.field_info.name: child.name for child in argument.children}
    return "\n".join(
        f"{one['msg']}."
        if not one["loc"]
        else f"{_option(options, one['loc'])} is required."
        if one["type"] == "missing"
        else f'Invalid value for {_option(options, one["loc"])}: "{one["input"]}". {one["msg"]}.'
        for one in rejected.errors()
    )


def _option(options: Mapping[str, str], place: tuple[int | str, ...]) -> str:
    name = str(place[0])
    return options.get(name) or f"--{name.replace('_', '-')}"


def _without_leading_home(tokens: Sequence[str]) -> Sequence[str]:
    """Move a leading `--home X` into the environment, so that every command accepts it."""
    if tokens and tokens[0].startswith("--home="):
        os.environ["PLANWISE_HOME"] = tokens[0].removeprefix("--home=")
        return tokens[1:]
    if len(tokens) > 1 and tokens[0] == "--home":
        os.environ["PLANWISE_HOME"] = tokens[1]
        return tokens[2:]
    return tokens
