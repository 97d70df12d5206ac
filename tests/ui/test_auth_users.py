from datetime import UTC, datetime

import pytest

from planwise.cli.commands import run
from planwise.errors import InputError
from ui.auth import users as passwords
from ui.auth.users import (
    Users,
    folder,
    hash_password,
    matches,
    read_private,
    secret_of,
    unusable_hash,
    write_private,
)

GOOD = "correct horse battery"


def now():
    return datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    monkeypatch.setattr(passwords, "COST", 2**10)


@pytest.fixture
def users(tmp_path):
    return Users(tmp_path / "auth" / "users.json")


def test_a_password_matches_its_hash_only_and_no_two_hashes_are_equal():
    hashed = hash_password(GOOD)
    assert matches(GOOD, hashed)
    assert not matches(GOOD + " ", hashed)
    assert not matches("", hashed)
    assert hashed != hash_password(GOOD)
    assert GOOD not in hashed


@pytest.mark.parametrize("password", ["", GOOD, "x" * 2000])
def test_no_password_is_unusable_hash(password):
    assert not matches(password, unusable_hash())


def test_the_real_cost_is_what_owasp_asks_for(monkeypatch):
    monkeypatch.undo()
    assert (passwords.COST, passwords.BLOCK, passwords.LANES) == (2**15, 8, 3)


@pytest.mark.parametrize("password", ["", "elevenchars", "x" * 1025])
def test_a_password_too_short_or_long_is_refused(password):
    with pytest.raises(InputError, match=f"{len(password)} characters"):
        hash_password(password)


def test_users_are_kept_for_their_owner_only_and_without_passwords(users):
    users.add("ada", "analyst", GOOD, clock=now)
    assert users.file.stat().st_mode & 0o777 == 0o600
    assert users.file.parent.stat().st_mode & 0o777 == 0o700
    assert GOOD not in users.file.read_text()
    assert users.check("ada", GOOD).role == "analyst"
    assert users.check("ada", "wrong password") is None
    assert users.check("bob", GOOD) is None


def test_a_file_that_others_may_read_is_refused(users):
    users.add("ada", "analyst", GOOD, clock=now)
    for mode in (0o640, 0o604, 0o620, 0o602):
        users.file.chmod(mode)
        with pytest.raises(InputError, match="read or changed by others"):
            Users(users.file).all()


def test_a_change_of_the_file_shows_without_a_restart(users):
    users.add("ada", "analyst", GOOD, clock=now)
    other = Users(users.file)
    assert other.get("ada").role == "analyst"
    users.add("ada", "auditor", GOOD, clock=now)
    assert other.get("ada").role == "auditor"
    users.remove("ada")
    assert other.get("ada") is None


@pytest.mark.parametrize("name", ["", " ada", "a b", "<script>", "é", "a" * 65, "../x", "-a"])
def test_a_name_that_is_none_is_refused(users, name):
    with pytest.raises(InputError, match="not a valid user name"):
        users.add(name, "analyst", GOOD, clock=now)


def test_a_role_that_is_none_is_refused(users):
    with pytest.raises(InputError, match="Unknown role"):
        users.add("ada", "root", GOOD, clock=now)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"form": 2, "users": []}', '{"form": 1, "users": [{}]}'])
def test_a_file_that_is_broken_is_said(users, text):
    write_private(users.file, text)
    with pytest.raises(InputError, match="cannot be read"):
        users.all()


def test_the_cookie_secret_is_made_once_for_its_owner_only(tmp_path):
    file = folder(tmp_path) / "cookie_secret"
    secret = secret_of(file)
    assert len(secret) >= 48
    assert file.stat().st_mode & 0o777 == 0o600
    assert secret_of(file) == secret
    file.chmod(0o644)
    with pytest.raises(InputError, match="by others"):
        secret_of(file)


def test_a_cookie_secret_that_is_too_short_is_refused(tmp_path):
    write_private(tmp_path / "s", "short")
    with pytest.raises(InputError, match="5 characters"):
        secret_of(tmp_path / "s")


def test_a_crash_while_writing_leaves_the_old_file(tmp_path, monkeypatch):
    file = tmp_path / "f"
    write_private(file, "old")
    monkeypatch.setattr("planwise.storage.os.replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        write_private(file, "new")
    assert read_private(file, "It") == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_users_by_command(tmp_path, capsys, monkeypatch):
    home = ["--home", str(tmp_path)]
    password = tmp_path / "password"
    write_private(password, GOOD + "\nrest")
    add = ["user", "add", "ada", "--role", "analyst", "--password-file", str(password)]
    assert run([*add, *home]) == 0
    assert run(["user", "list", *home]) == 0
    assert "ada" in capsys.readouterr().out
    assert Users(tmp_path / "auth" / "users.json").check("ada", GOOD)
    assert run(["user", "remove", "ada", *home]) == 0
    assert run(["user", "remove", "ada", *home]) == 2
    password.chmod(0o644)
    assert run([*add, *home]) == 2


def test_a_password_comes_from_the_input_or_is_asked_for_twice(tmp_path, monkeypatch):
    import io

    users = Users(tmp_path / "auth" / "users.json")
    add = ["user", "add", "ada", "--role", "admin", "--home", str(tmp_path)]
    monkeypatch.setattr("sys.stdin", io.StringIO(GOOD + "\n"))
    assert run(add) == 0
    assert users.check("ada", GOOD)

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    asked = iter([GOOD + "2", "another one"])
    monkeypatch.setattr("getpass.getpass", lambda _: next(asked))
    assert run(add) == 2
    assert users.check("ada", GOOD)
