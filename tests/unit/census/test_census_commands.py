import json
from pathlib import Path

import pytest

from planwise.cli.census import app
from planwise.cli.commands import run

HEAD = "employee_id,hire_date,base_pay,job_title,department"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "My Payroll 2020.csv"
    path.write_text(f"{HEAD}\nE1,2010-01-05,50000,Clerk,Ops\n")
    return path


def call(capsys, *tokens: str) -> tuple[int, dict]:
    code = run([*tokens, "--json"])
    return code, json.loads(capsys.readouterr().out)  # one object and nothing else


def test_generate_import_list_use(capsys, tmp_path, file):
    home = ("--home", str(tmp_path / "home"))

    code, made = call(capsys, "census", "generate", "--employees", "20", "--seed", "3", *home)
    assert (code, made["census"], made["rows"], made["as_of"]) == (0, "synthetic_20", 20, "2025-12-31")

    code, brought = call(capsys, "census", "import", str(file), "--as-of", "2020-12-31", *home)
    keys = {
        "census",
        "rows_read",
        "rows_accepted",
        "rows_rejected",
        "rows_filtered",
        "reject_reasons",
        "rejects_file",
        "report_file",
    }
    assert code == 0 and keys <= set(brought)
    assert (brought["census"], brought["rows_accepted"]) == ("my_payroll_2020", 1)
    assert Path(brought["rejects_file"]).exists() and Path(brought["report_file"]).exists()

    code, listed = call(capsys, "census", "list", *home)
    assert listed["in_use"] == "my_payroll_2020"
    assert [c["census"] for c in listed["censuses"]] == ["my_payroll_2020", "synthetic_20"]

    code, used = call(capsys, "census", "use", "synthetic_20", *home)
    assert (code, used["census"]) == (0, "synthetic_20")


def test_a_blocked_import_is_one_object_and_exit_3(capsys, tmp_path, file):
    file.write_text(f"{file.read_text()}E2,,5,a,b\n")

    code, report = call(capsys, "census", "import", str(file), "--home", str(tmp_path / "home"))

    assert code == 3
    assert report["census"] is None and report["reject_reasons"] == {"missing_hire_date": 1}
    assert report["error"]["type"] == "GateBlocked"


@pytest.mark.parametrize(
    "tokens",
    [
        ("import", "/nowhere.csv"),
        ("import", "FILE", "--as-of", "2020-13-01"),
        ("import", "FILE", "--levels", "magic"),
        ("import", "FILE", "--mapping", "/nowhere.yaml"),
        ("import", "FILE", "--filter", "nope"),
        ("import", "FILE", "--name", "A B"),
        ("use", "nobody"),
        ("generate", "--employees", "0"),
        ("generate", "--employees", "many"),
    ],
)
def test_bad_input_is_exit_2(tokens, capsys, tmp_path, file):
    given = [str(file) if t == "FILE" else t for t in tokens]

    code, answer = call(capsys, "census", *given, "--home", str(tmp_path / "home"))

    assert code == 2 and answer["error"]["what"]


def test_people_see_counts_reasons_and_what_to_do(capsys, tmp_path, file):
    home = str(tmp_path / "home")
    assert run(["census", "import", str(file), "--as-of", "2020-12-31", "--home", home]) == 0
    captured = capsys.readouterr()
    assert (
        "accepted" in captured.out and "rejects.csv" in captured.out and "planwise simulate" in captured.err
    )

    file.write_text(f"{file.read_text()}E2,,5,a,b\n")
    assert run(["census", "import", str(file), "--home", home]) == 3
    captured = capsys.readouterr()
    assert "missing_hire_date" in captured.out and "Correct the file" in captured.err

    assert run(["census", "list", "--home", home]) == 0
    assert "my_payroll_2020" in capsys.readouterr().out


def test_the_app_is_named():
    assert app.name == ("census",)
