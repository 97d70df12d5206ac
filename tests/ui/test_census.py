"""The Census page: uploads, what is stated about a file, checks and imports, stored censuses, roles."""

import asyncio
import base64
import csv
import os
import stat
from contextlib import suppress
from datetime import date

import pytest

from planwise.app import job_process
from planwise.app.check_census import check_file
from planwise.app.requests import IngestRequest
from planwise.census import SyntheticOptions, census_in_use, generate_census, load_census
from planwise.census.importer import read_census
from planwise.census.registry import rename_levels, set_ranges
from planwise.census.schema import COLUMNS
from planwise.errors import InputError, PlanWiseError
from planwise.governance import open_ledger, permissions
from planwise.governance.permissions import Action
from planwise.jobs import JobKind, JobReader, JobWriter
from tests.ui.published import publish_by_hand
from ui.components.downloads import FilePicker
from ui.jobs import routes
from ui.jobs.uploads import Upload, plain_name
from ui.pages.census.file_form import REQUIRED
from ui.pages.census.page import CensusPage
from ui.session import Services, Session
from ui.store import Store
from ui.values.census import COLUMN_WORDS
from ui.values.user import User

HEAD = ("Badge", "Start", "Annual Rate", "Title", "Dept", "Sex", "Full Name")
KNOWN = ("ID", "Hire Date", "Salary", *HEAD[3:])
TITLES = ("Clerk", "Analyst", "Chief")


def payroll(rows=60, head=HEAD, **bad):
    """Return a CSV file; `bad` are cells by "column@row"."""
    lines = [
        [
            f"B{n:03}", f"{1 + n % 12:02}/{13 + n % 15}/20{10 + n % 10}", f"{40_000 + 1_500 * n}.00",
            TITLES[n % 3], ("Ops", "HR")[n % 2], "FM"[n % 2], f"Doe {n}",
        ]
        for n in range(rows)
    ]  # fmt: skip
    for place, cell in bad.items():
        column, _, row = place.partition("_")
        lines[int(row)][HEAD.index(column)] = cell
    return "\n".join(",".join(line) for line in [head, *lines]).encode()


def session_of(settings, role="analyst"):
    return Session(Services(settings, Store(settings)), User("ann", role))


@pytest.fixture
def jobs_here(monkeypatch):
    """Run jobs in this process, at once."""

    def start(self, settings, folder, route):
        stored = folder.read("request.json")
        folder.write("route.json", {"by": "process", "how": route.how, "why": ""})
        with suppress(PlanWiseError):  # the outcome has it
            job_process._run_job(settings, JobWriter(folder), JobKind(stored["kind"]), stored["request"])

    monkeypatch.setattr(routes.Processes, "start", start)


class Desk:
    """The page of one session, and a file brought to it."""

    def __init__(self, settings, role="analyst"):
        self.session = session_of(settings, role)
        self.page = CensusPage(self.session)
        self.file = self.page._file
        self.form = self.file._form

    def bring(self, content, name="Payroll 2025.csv"):
        upload = self.session.actions.censuses.upload(name, len(content))
        upload.add(content)
        self.file._check.ask = lambda: None  # checked when the test says so
        self.file._arrived(upload)
        return self.check()

    def check(self):
        asyncio.run(self.file._check_file(lambda: True))
        return self.file._found

    def use(self):
        asyncio.run(self.file._import())

    def choose(self, column, value):
        self.form._columns[column]._select.value = value

    def shows(self, text):
        return any(text in str(getattr(one, "object", "")) for one in self.page.layout.select())


def columns_of(found):
    return {one["name"]: one["header"] for one in found["columns"] if one["header"]}


def test_an_upload_arrives_in_pieces_as_a_private_file_and_leaves_nothing(settings):
    arrived, errors = [], []
    actions = session_of(settings).actions.censuses
    picker = FilePicker(actions.upload, arrived.append, errors.append)
    content = os.urandom(3000)

    def send(at, number=1):
        picker._message(
            {"piece": base64.b64encode(content[at : at + 1000]).decode(), "at": at, "upload": number}
        )

    picker._message({"begin": "../x/Löhne.csv", "size": 3000, "upload": 1})
    send(0)
    send(0)  # twice
    send(1000, number=7)  # of another upload
    assert picker.state == {"upload": 1, "received": 1000, "more": True}
    send(1000)
    send(2000)
    (upload,) = arrived
    assert picker.state["more"] is False and upload.file.read_bytes() == content
    assert upload.file.name == "Löhne.csv" and upload.folder.parent == settings.uploads_dir
    assert [stat.S_IMODE(path.stat().st_mode) for path in (upload.file, upload.folder)] == [0o600, 0o700]
    upload.discard()
    picker._message({"begin": "a.csv", "size": 10, "upload": 2})
    picker._message({"cancel": True, "upload": 2})
    assert list(settings.uploads_dir.iterdir()) == [] and errors == []
    for message in (
        {"begin": "a.csv", "size": 600 * 2**20, "upload": 3},
        {"begin": "a.csv", "size": 0, "upload": 4},
        {"begin": "a.csv", "size": 2, "upload": 5},
        {"piece": base64.b64encode(b"abc").decode(), "at": 0, "upload": 5},
        {"piece": "not base64!", "at": 0, "upload": 5},
    ):
        picker._message(message)
    assert [error.what for error in errors] == [
        "a.csv has 629,145,600 bytes; at most 536,870,912 can be read.",
        "a.csv is empty.",
        "a.csv is not the file that was announced.",
    ]
    assert list(settings.uploads_dir.iterdir()) == [] and len(arrived) == 1


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("C:\\hr\\pay.xlsx", "pay.xlsx"),
        ("../../etc/passwd", "passwd"),
        ("..", "file"),
        (".bashrc", "bashrc"),
        ("a\x00b\n.csv", "ab.csv"),
        ("x" * 300 + ".csv", "x" * 116 + ".csv"),
    ],
)
def test_names_of_files(name, plain):
    assert plain_name(name) == plain


def test_a_file_goes_from_headers_to_the_census_in_use(settings, jobs_here):
    desk = Desk(settings)
    assert desk.shows("Bring in a file, or generate a sample")
    found = desk.bring(payroll(Dept_4="Hr"))
    recognised = {"base_pay": "Annual Rate", "job_title": "Title", "department": "Dept", "gender": "Sex"}
    assert columns_of(found).items() >= recognised.items() and "hire_date" not in columns_of(found)
    assert "hire_date" in found["problem"]["what"] and desk.file._use.disabled
    desk.choose("employee_id", "header:Badge")
    desk.choose("hire_date", "header:Start")
    desk.form.as_of.value = "2025-12-31"
    found = desk.check()
    assert found["problem"] is None and found["report"]["rows_accepted"] == 60
    assert found["sample"][0]["base_pay"] == 40_000 and found["sample"][0]["hire_date"] == "2010-01-13"
    assert not any(h["examples"] for h in found["headers"] if h["name"] == "Full Name")
    assert "Doe 1" not in str(found)
    assert desk.file._name.value == "payroll_2025" and not desk.file._use.disabled

    names = [row._fields["name"] for row in desk.form._rows.values()]
    for number, field in enumerate(names, start=1):
        field.value = f"Band {number}"
    assert desk.file._use.disabled, "what is stated has not been checked"
    desk.check()
    folder = desk.file._upload.folder
    desk.use()
    assert census_in_use(settings) == "payroll_2025"
    (item,), _ = desk.session.store.censuses.list()
    assert (item.people, item.in_use, item.following) == (60, True, ("baseline",))
    assert [level.name for level in item.levels] == [f"Band {n}" for n in range(1, 6)]
    assert not folder.exists() and not desk.file.has_file
    assert desk.shows("payroll_2025: 60 people as of 2025-12-31")

    found = desk.bring(payroll(), "Payroll 2026.csv")
    assert desk.file._kept.visible and "payroll_2025" in desk.file._kept.label
    desk.form.take(found["kept"]["mapping"])
    found = desk.check()
    assert found["problem"] is None and found["report"]["levels"][0]["name"] == "Band 1"


def test_an_error_says_what_the_command_says_and_what_is_stated_stays(settings, jobs_here, tmp_path):
    desk = Desk(settings)
    monthly = payroll(head=("ID", "Hire Date", "Monthly Salary", "Title", "Dept", "Sex", "Full Name"))
    found = desk.bring(monthly)
    (tmp_path / "Payroll 2025.csv").write_bytes(monthly)
    with pytest.raises(InputError) as error:
        read_census(settings, tmp_path / "Payroll 2025.csv")
    assert found["problem"] == {"what": error.value.what, "remedy": error.value.remedy}
    assert "monthly pay" in desk.file._problem.object and desk.file._use.disabled
    desk.form._options["pay_unit"].value = "monthly"
    desk.form._options["statuses"].value = "Leave = active; Gone=left"
    assert desk.form.stated == {"pay_unit": "monthly", "statuses": {"Leave": "active", "Gone": "left"}}
    found = desk.check()
    assert found["sample"][0]["base_pay"] == 12 * 40_000
    desk.form._options["filter"].value = "Nonsense > 1"
    found = desk.check()
    assert "Nonsense" in found["problem"]["what"] and found["headers"]
    assert desk.form.stated["pay_unit"] == "monthly" and desk.form._options["pay_unit"].value == "monthly"


def test_a_blocked_import_registers_nothing_and_has_its_rejects(settings, jobs_here):
    desk = Desk(settings)
    found = desk.bring(payroll(head=KNOWN, Badge_3="B001", Start_9="soon"))
    assert found["report"]["reject_reasons"] == {"duplicate_id": 2, "unparsable_hire_date": 1}
    assert "Hire date is no date" in desk.file._reasons.object and "not valid" in desk.file._problem.object
    rows = list(csv.DictReader(asyncio.run(desk.file._rejected_rows()).decode().splitlines()))
    assert [row["line"] for row in rows] == ["3", "5", "11"] and desk.file._rejects.visible
    assert desk.file._use.disabled and census_in_use(settings) is None
    assert "“Rejected rows (CSV)” below" in desk.file._problem.object
    assert str(settings.uploads_dir) not in desk.file._problem.object


def test_columns_constants_formats_levels_and_yaml_are_one_mapping(settings, jobs_here):
    desk = Desk(settings)
    desk.bring(payroll(head=KNOWN))
    desk.choose("gender", "none")
    desk.choose("department", "constant")
    assert "department" not in desk.form.stated.get("constants", {}), "until the value is typed"
    desk.form._columns["department"]._constant.value = "All"
    desk.form._options["date_format"].value = "%m/%d/%Y"
    desk.form._levels.value = "titles"
    assert desk.form.stated["levels"] == {"Analyst": 1, "Chief": 1, "Clerk": 1}
    desk.form._titles.value = "Clerk: 1\nAnalyst: 2\nChief: 3"
    stated = desk.form.stated
    assert stated == {
        "columns": {"gender": None},
        "constants": {"department": "All"},
        "formats": {"hire_date": "%m/%d/%Y"},
        "levels": {"Clerk": "1", "Analyst": "2", "Chief": "3"},
    }
    text = desk.form._yaml.value
    desk.form.reset()
    desk.form._yaml.value = text
    desk.form._apply_yaml()
    assert desk.form.stated == stated | {"levels": {"Clerk": 1, "Analyst": 2, "Chief": 3}}
    desk.form._yaml.value = "colums: {}"
    desk.form._apply_yaml()
    assert "Known keys" in desk.form._problem.object and desk.form.stated["constants"] == {
        "department": "All"
    }


def test_ranges_begin_with_those_that_were_found(settings, jobs_here):
    desk = Desk(settings)
    found = desk.bring(payroll(head=KNOWN))
    desk.form._levels.value = "ranges"
    first, last = found["report"]["levels"][0], found["report"]["levels"][-1]
    ranges = desk.form.stated["ranges"]
    assert (ranges[0]["minimum"], ranges[-1]["maximum"]) == (first["minimum"], last["maximum"])
    assert [one["maximum"] for one in ranges[:-1]] == [one["minimum"] for one in ranges[1:]]  # they touch
    desk.form._rows[1]._fields["minimum"].value = "30,000"
    found = desk.check()
    assert found["report"]["levels"][0]["minimum"] == 30_000
    assert found["report"]["levels_from"] == "pay in the mapping's ranges"


def test_no_cell_is_shown_without_the_right_to_see_pay(settings, jobs_here, monkeypatch):
    desk = Desk(settings)
    assert desk.bring(payroll(head=KNOWN))["sample"]
    monkeypatch.setitem(permissions.ALLOWED, Action.SEE_PAY, frozenset())
    found = desk.check()
    assert found["sample"] == [] and not any(h["examples"] for h in found["headers"])
    assert "41500" not in str(found)
    with pytest.raises(InputError, match="may not see the pay"):
        asyncio.run(desk.file._rejected_rows())


@pytest.mark.parametrize("role", ["approver", "operator", "auditor"])
def test_who_may_not_change_censuses(settings, role):
    generate_census(settings, employees=40, name="one")
    generate_census(settings, employees=40, seed=2, name="two")
    session = session_of(settings, role)
    page = CensusPage(session)
    assert page._file._picker.disabled and page._sample._button.disabled
    page._censuses._open("one")
    details = page._censuses._details
    assert details._use.disabled and details._delete.disabled
    actions = session.actions.censuses
    for refused in (
        lambda: actions.upload("a.csv", 1),
        lambda: actions.use("one"),
        lambda: actions.delete("one"),
        lambda: actions.rename_levels("one", {1: "x"}),
        *(
            lambda kind=kind: session.actions.jobs.start(kind, {}, title="t")
            for kind in ("import", "generate")
        ),
    ):
        with pytest.raises(InputError, match="may not"):
            refused()
    assert census_in_use(settings) == "two" and not settings.uploads_dir.exists()


def test_a_sample_is_generated_and_a_wrong_number_says_so(settings, jobs_here):
    page = CensusPage(session_of(settings))
    page._sample._employees.value = "none"
    asyncio.run(page._sample._generate())
    assert JobReader(settings).list()[0].error.what.startswith("The request of the generate job is not valid")
    page._sample._employees.value = "1,200"
    asyncio.run(page._sample._generate())
    assert load_census(settings).rows == 1200 and load_census(settings).name == "synthetic_1200"


def test_stored_censuses_are_used_renamed_and_deleted_unless_needed(settings):
    for seed, name in ((1, "one"), (2, "two")):
        generate_census(settings, employees=40, seed=seed, name=name)
    with open_ledger(settings) as ledger:
        ledger.scenarios.create("lean", {}, census="one")
    desk = Desk(settings)
    table, details = desk.page._censuses, desk.page._censuses._details
    store = desk.session.store
    assert list(table._table._frame["name"]) == ["two", "one"]
    assert list(table._table._frame["scenarios"]) == ["baseline", "lean"]
    seen = store.version()
    table._open("one")
    asyncio.run(details._used())
    assert census_in_use(settings) == "one" and store.version() != seen and details._use.label == "In use"
    for name, why in (("one", "is in use"), ("two", "")):
        table._open(name)
        asyncio.run(details._ask())
        assert details.confirmation.open is (name == "two")
        assert not why or why in desk.session.notices[0].text
    asyncio.run(details._deleted())
    assert list(table._table._frame["name"]) == ["one"] and not (settings.censuses_dir / "two").exists()

    table._open("one")
    seen, before = store.version(), load_census(settings, "one")
    names = details._names
    names._fields[1].value = names._fields[2].value
    asyncio.run(names._saved())
    assert "Two levels have the name" in names._problem.object
    names._fields[1].value = "Crew"
    assert not names._save.disabled
    asyncio.run(names._saved())
    after = load_census(settings, "one")
    assert after.content_hash != before.content_hash and store.version() != seen
    assert (after.rows, after.as_of, after.source) == (before.rows, before.as_of, before.source)
    assert store.censuses.list()[0][0].levels[0].name == "Crew"
    assert rename_levels(settings, "one", {1: "Crew"}).content_hash == after.content_hash

    derived = store.censuses.list()[0][0].levels[0]
    low, high = derived.minimum, 58_000.25
    for bad in ((high, low), (-1.0, high), (low, 10_000_000.0)):
        with pytest.raises(InputError):
            set_ranges(settings, "one", {1: bad})
    wider = set_ranges(settings, "one", {1: (low, high)})
    level = store.censuses.list()[0][0].levels[0]
    assert (level.name, level.minimum, level.maximum) == ("Crew", low, high)
    assert wider.content_hash != after.content_hash
    assert wider.levels_from == f"{after.levels_from}; ranges given" and not wider.has_derived_ranges
    assert set_ranges(settings, "one", {1: (low, high)}) == wider

    earlier = {1: (low, derived.maximum)}
    with pytest.raises(InputError, match="changed since"):
        set_ranges(settings, "one", earlier, seen=after.content_hash)
    back = set_ranges(settings, "one", earlier, given=False, seen=wider.content_hash)
    assert (back.content_hash, back.levels_from) == (after.content_hash, after.levels_from)


def test_results_of_another_census_are_named(settings):
    census = generate_census(settings, employees=40, name="one")
    publish_by_hand(settings, "baseline")
    page = CensusPage(session_of(settings))
    assert "of another census" in page._stale.object and page._run.variant == "contained"
    assert census.content_hash not in page._stale.object


def test_calibrating_needs_years_and_says_that_rates_are_defaults(settings):
    for name in ("one", "two"):
        generate_census(settings, employees=40, name=name)
    page = CensusPage(session_of(settings))
    card = page._calibration
    assert "survey defaults; calibrate" in card._state.html
    assert card._buttons[JobKind.CALIBRATE].disabled
    page._censuses.choose(("two", "one"))
    page._censuses._chosen()
    assert not card._buttons[JobKind.CALIBRATE].disabled and card._buttons[JobKind.BACKTEST].disabled
    with open_ledger(settings) as ledger:
        ledger.scenarios.create("own", {"cola_rate": 0.01}, description="Calibrated on one, two (…).")
    page.refresh()
    assert "survey defaults" not in card._state.html and "own" in card._state.html


def test_a_calibration_is_a_job_whose_rates_are_shown_and_saved_on_request(settings, jobs_here):
    for year, name in ((2024, "old"), (2025, "new")):
        options = SyntheticOptions(as_of=date(year, 12, 31))
        generate_census(settings, employees=400, name=name, options=options)
    page = CensusPage(session_of(settings))
    card = page._calibration
    assert card._save.disabled and card.layout.objects == [card.layout[0]]
    page._censuses.choose(("new", "old"))
    page._censuses._chosen()
    asyncio.run(card._calibrate())
    job = JobReader(settings).list()[0]
    assert (job.kind, job.state, job.request["sources"]) == ("calibrate", "done", ["old", "new"])
    assert (job.request["basis"], job.result["scenario"]) == ("mean", None)
    rates = card._rates
    assert rates.layout in card.layout.objects and "2024-12-31 to 2025-12-31, 1 year" in rates._heading.object
    everyone = next(row for row in job.result["exits"] if row["dimension"] == "everyone")
    assert f"{everyone['events']} exits of 400 people" in rates._headline.object
    frame = rates._exits._content.frame
    assert frame["heads"].sum() + sum(
        row["heads"] for row in job.result["exits"]
        if row["dimension"] == "tenure" and row["year"] == "all years" and row["heads"] < 10
    ) == 400  # fmt: skip
    drawn = rates._exits.plot.figure["data"][0]
    assert list(drawn["x"]) == pytest.approx(list(frame["rate"]))
    assert "pay" not in set(rates._people._content.frame if rates._people._content else [])
    asyncio.run(card._save_as_scenario())
    assert JobReader(settings).list()[0].result["scenario"] == "calibrated"
    assert "calibrated" in card._state.html
    asyncio.run(card._save_as_scenario())
    assert "exists already" in JobReader(settings).list()[0].error.what
    again = CensusPage(session_of(settings, "viewer"))._calibration
    assert again._rates.is_filled and not again._forecasts.is_filled and again._save.disabled


def test_leaving_removes_the_file_and_a_new_home_opens_here(settings, jobs_here):
    assert Store(settings).is_new
    desk = Desk(settings)
    desk.bring(payroll())
    folder = desk.file._upload.folder
    desk.session.end()
    assert not folder.exists()
    left = Upload(settings, "old.csv", 3)
    os.utime(left.folder, (1, 1))
    Upload(settings, "new.csv", 3).discard()
    assert not left.folder.exists()
    generate_census(settings, employees=40)
    assert not Store(settings).is_new


def test_every_column_of_the_schema_can_be_chosen():
    assert list(COLUMN_WORDS) == [column.name for column in COLUMNS]
    assert set(REQUIRED) == {column.name for column in COLUMNS if column.required}


def test_a_check_of_a_file_that_cannot_be_read(settings, tmp_path):
    file = tmp_path / "check.json"
    file.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0")
    check = check_file(settings, IngestRequest(file=file, mapping={}))
    assert check.problem is not None and check.found["headers"] == []
    assert check.as_json() == {"file": "check.json", "usable": False}
