"""Every command checks the role of the person; what the role does not allow changes nothing."""

import shutil
from types import SimpleNamespace

import pytest

from planwise.census import generate_census
from planwise.cli import commands as cli
from planwise.governance import open_ledger
from planwise.governance.permissions import ALLOWED, Action, Role
from planwise.settings import Settings

REFUSED, BAD_INPUT = "Forbidden", "InputError"
# Each command would fail on its input, or only lists, once the role is allowed: the check comes first.
COMMANDS = {
    Action.READ: ("scenario", "list"),
    Action.EDIT: ("scenario", "create", "baseline"),
    Action.RUN: ("simulate", "--scenario", "nope"),
    Action.PROPOSE: ("propose", "nope"),
    Action.APPROVE: ("approve", "99"),
    Action.RELEASE: ("release", "99"),
    Action.MONITOR: ("monitor", "nope.csv"),
    Action.MAINTAIN: ("maintain", "--apply"),
    Action.SEE_PAY: ("employee", "nope"),
    Action.AUDIT: ("audit", "log"),
    Action.MANAGE_USERS: ("user", "role", "zoe", "nothing"),
}
MORE = {
    Action.EDIT: (
        ("scenario", "set", "nope", "--set", "cola_rate=0.01"),
        ("scenario", "delete", "nope"),
        ("scenario", "archive", "nope"),
        ("census", "use", "nope"),
        ("census", "generate", "--employees", "0"),
    ),
    Action.RUN: (
        ("optimize", "--target", "increase=0.03", "--scenario", "nope"),
        ("sweep", "--scenarios", "nope"),
    ),
    Action.APPROVE: (("reject", "99"), ("request-changes", "99")),
    Action.PROPOSE: (("withdraw", "99"),),
    Action.RELEASE: (("release", "99", "--apply"), ("rollback", "nope"), ("rollback", "nope", "--apply")),
    Action.SEE_PAY: (("increases", "--scenario", "nope"),),
    Action.AUDIT: (("audit", "verify"),),
    Action.MAINTAIN: (("backup",),),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    settings = Settings(home=folder)
    generate_census(settings, employees=30)
    with open_ledger(settings, actor="root") as ledger:
        for role in Role:
            ledger.roles.give(f"one_{role}", role, lambda *_: None) if role != Role.ADMIN else None
        ledger.roles.give("one_admin", "admin", lambda *_: None)
    return folder


@pytest.fixture
def called(home, monkeypatch, capsys):
    def call(*tokens):
        monkeypatch.setenv("PLANWISE_HOME", str(home))
        code = cli.run(tokens)
        shown = capsys.readouterr()
        assert "Internal error" not in shown.err
        return SimpleNamespace(code=code, err=shown.err)

    return call


def refused(done):
    return done.code == 2 and "may not" in done.err and "Ask a user with the role" in done.err


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", COMMANDS)
def test_a_command_does_what_the_role_allows(called, action, role):
    for tokens in (COMMANDS[action], *MORE.get(action, ())):
        done = called(*tokens, "--as", f"one_{role}")
        assert refused(done) == (role not in ALLOWED[action]), (tokens, done.err)


def test_someone_without_a_role_may_do_nothing_but_is_told_whom_to_ask(called, home, tmp_path):
    before = shutil.copytree(home, tmp_path / "before")
    for tokens in COMMANDS.values():
        if tokens != COMMANDS[Action.READ]:
            assert refused(called("--as", "stranger", *tokens))
    with open_ledger(Settings(home=home)) as now, open_ledger(Settings(home=before)) as then:
        assert now.events.head() == then.events.head()


def test_as_needs_a_name(called):
    assert "--as names no one" in called("scenario", "list", "--as").err
