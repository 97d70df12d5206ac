"""Enrichment on small files: methods, traps, former names, decisions, gates, resumed chunks, the market."""

import csv
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import real_data

from planwise.app.enrich import (
    EnrichmentBlocked,
    MarketRequest,
    RecipientsRequest,
    enrich_market,
    enrich_recipients,
    evaluate_recipients,
    evaluate_reported_titles,
    gate_matches,
)
from planwise.app.match_decisions import decide_match, review_queue
from planwise.app.performance import list_runs
from planwise.app.runner import InProcessRunner
from planwise.cli.commands import run as command
from planwise.enrichment.decisions import MatchDecision
from planwise.enrichment.declarations import declared_matching
from planwise.enrichment.evaluation import FITTED, HALVES, PRECISION_MIN, RECALL_MIN
from planwise.enrichment.market import market_place, title_references, wages_by_occupation
from planwise.errors import InputError
from planwise.governance import EventType, open_ledger
from planwise.settings import Settings

TOP_1_MIN, TOP_5_MIN = 0.50, 0.75
LINKED_RIGHT_MIN = 0.75
QUIET = InProcessRunner(lambda _: None)
RECIPIENTS = """legal_business_name,uei,duns,city,state
"VISTA PHOTONICS, INC.",ABCD1234EFG5,001234567,LAS CRUCES,NM
RDA INC.,ABCD1234EFG6,,DOYLESTOWN,PA
ACME ROBOTICS LLC,ABCD1234EFG7,123456789,RENO,NV
ACME ROBOTICS INC,ABCD1234EFG8,987654321,BOSTON,MA
CAFE ZURICH LABS CORP,ABCD1234EFG9,,AUSTIN,TX
WISCONSIN ENGINE RESEARCH CONSULTANTS LLC,BBCD1234EFG1,,MADISON,WI
"=BAD FORMULA WORKS, INC.",BBCD1234EFG2,,MIAMI,FL
BENTHOS INC,BBCD1234EFG3,,NORTH FALMOUTH,MA
"""
# Award, and what it has to be: status, method, UEI of the recipient.
AWARDS = [
    (
        ("Photonics, Inc.", "", "", "LAS CRUCES", "NM"),
        ("review", "name-fuzzy", "ABCD1234EFG5"),
    ),  # never linked
    (("vista photonics", "", "", "", ""), ("linked", "name-exact", "ABCD1234EFG5")),
    (("Some Other Name", "", "1234567.0", "", ""), ("linked", "duns-exact", "ABCD1234EFG5")),
    (("R.D.A., Inc.", "", "nan", "DOYLESTOWN", "PA"), ("linked", "name-exact", "ABCD1234EFG6")),
    (("Renamed Firm", "abcd1234efg7", "987654321", "", ""), ("linked", "uei-exact", "ABCD1234EFG7")),
    (("Acme Robotics, Inc.", "", "", "Boston", "MA"), ("linked", "name-exact", "ABCD1234EFG8")),
    (("Acme Robotics", "", "", "", ""), ("review", "name-exact", "ABCD1234EFG7")),  # two firms
    (("Café Zürich Labs", "", "", "Austin", "TX"), ("linked", "name-exact", "ABCD1234EFG9")),
    (("WISCONSIN ENGINE RESEARCH CONS", "", "", "MADISON", "WI"), ("linked", "name-fuzzy", "BBCD1234EFG1")),
    (("=Bad Formula Works", "", "", "", ""), ("linked", "name-exact", "BBCD1234EFG2")),
    (("Teledyne Benthos, Inc.", "", "", "North Falmouth", "MA"), ("linked", "name-fuzzy", "BBCD1234EFG3")),
    (("", "", "", "", ""), ("unmatched", "", "")),
    (("B", "", "", "", ""), ("unmatched", "", "")),
    (("Vista Photonics LLC", "", "", "", ""), ("linked", "name-exact", "ABCD1234EFG5")),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("enrichment")
    (folder / "recipients.csv").write_text(RECIPIENTS, encoding="utf-8")
    with (folder / "awards.csv").open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(["comp_name", "uei", "comp_duns", "city", "state"])
        writer.writerows(award for award, _ in AWARDS)
    return folder


def request_of(files, output=None, **more):
    return RecipientsRequest(
        awards=files / "awards.csv", recipients=files / "recipients.csv", output=output, **more
    )


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


@pytest.fixture(scope="module")
def unbroken(files, tmp_path_factory):
    """One run in small chunks: its home, report and output."""
    home = tmp_path_factory.mktemp("home")
    output = home / "matches.csv"
    report = enrich_recipients(Settings(home=home), request_of(files, output, chunk_rows=4), QUIET)
    return Settings(home=home), report, output


def test_each_award_is_matched_by_the_step_that_it_needs(unbroken):
    _, report, output = unbroken
    found = rows_of(output)
    assert [int(row["row"]) for row in found] == list(range(1, len(AWARDS) + 1))
    got = [(row["status"], row["method"], row["matched_id"]) for row in found]
    assert got == [expected for _, expected in AWARDS]
    assert report.totals["linked"] + report.totals["review"] + report.totals["unmatched"] == len(AWARDS)
    assert report.totals["match_rate"] == report.totals["linked"] / len(AWARDS)
    assert found[9]["name"] == "'=Bad Formula Works" and found[9]["matched_name"].startswith("'=")
    assert sum(one["rows"] for one in report.quality["by_identifier"]) == len(AWARDS)


def test_a_run_killed_between_chunks_is_resumed_with_the_same_bytes(unbroken, files, tmp_path):
    _, report, output = unbroken
    script = f"""
import os, signal
from pathlib import Path
from planwise.app.enrich import RecipientsRequest, enrich_recipients
from planwise.app.performance import list_runs
from planwise.app.runner import InProcessRunner
from planwise.settings import Settings
run = InProcessRunner(lambda line: os.kill(os.getpid(), signal.SIGKILL) if "Chunk 2" in line else None)
request = RecipientsRequest(awards=Path({str(files / "awards.csv")!r}), chunk_rows=4,
    recipients=Path({str(files / "recipients.csv")!r}), output=Path({str(tmp_path / "m.csv")!r}))
enrich_recipients(Settings(home=Path({str(tmp_path)!r})), request, run)
"""
    killed = subprocess.run([sys.executable, "-c", script], check=False, cwd=Path(__file__).parents[2])
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "m.csv").exists()
    request = request_of(files, tmp_path / "m.csv", chunk_rows=4)
    resumed = enrich_recipients(Settings(home=tmp_path), request, QUIET)
    assert (resumed.chunks, resumed.chunks_resumed) == (report.chunks, 2)
    assert (tmp_path / "m.csv").read_bytes() == output.read_bytes()


def test_decisions_last_and_win_and_are_events(unbroken, files, tmp_path):
    settings, _, _ = unbroken
    queue = review_queue(settings, "recipients")
    assert "Acme Robotics" in [row["name"] for row in queue]
    decide_match(settings, MatchDecision("recipients", "ACME ROBOTICS", None, None, "ABCD1234EFG7", None))
    decide_match(settings, MatchDecision("recipients", "acme robotics", None, None, "ABCD1234EFG8", None))
    decide_match(settings, MatchDecision("recipients", "Some Other Name", None, None, None, None))
    decide_match(settings, MatchDecision("recipients", "B", None, None, "GONE1234EFG8", None))
    output = tmp_path / "decided.csv"
    request = request_of(files, output)
    report = enrich_recipients(settings, request, QUIET)
    found = rows_of(output)
    assert (found[6]["status"], found[6]["method"], found[6]["matched_id"]) == (
        "linked",
        "decision",
        "ABCD1234EFG8",
    )
    assert (found[2]["status"], found[2]["method"]) == ("unmatched", "decision")
    assert found[12]["status"] == "unmatched" and report.stale_decisions == 1
    with open_ledger(settings) as ledger:
        events = [e for e in ledger.events.list() if e.type is EventType.MATCH_DECISION]
    assert len(events) == 4 and {event.subject for event in events} == {"recipients"}


def test_a_former_name_links_to_the_company(files, tmp_path):
    aliases = tmp_path / "aliases.csv"
    aliases.write_text('company,former_name\n"Benthos, Inc.",Deep Sea Instruments\n', encoding="utf-8")
    awards = tmp_path / "awards.csv"
    awards.write_text("company,state\nDEEP SEA INSTRUMENTS INC,MA\n", encoding="utf-8")
    request = RecipientsRequest(
        awards=awards, recipients=files / "recipients.csv", aliases=aliases, output=tmp_path / "m.csv"
    )
    enrich_recipients(Settings(home=tmp_path), request, QUIET)
    (row,) = rows_of(tmp_path / "m.csv")
    assert (row["status"], row["matched_id"], row["matched_name"]) == (
        "linked",
        "BBCD1234EFG3",
        "BENTHOS INC",
    )


def test_a_low_match_rate_blocks_the_output_with_exit_code_3(files, tmp_path, capsys):
    awards = tmp_path / "awards.csv"
    awards.write_text("company,state\nUnknown Things,MA\nRDA Inc,PA\n", encoding="utf-8")
    arguments = ["--awards", str(awards), "--recipients", str(files / "recipients.csv")]
    output = tmp_path / "m.csv"
    home = ["--home", str(tmp_path), "--output", str(output), "--no-flow", "--json"]
    assert command(["enrich", "recipients", *arguments, *home]) == 3
    found = json.loads(capsys.readouterr().out)
    assert found["gate"]["status"] == "failed" and found["match_rate"] == 0.5
    assert [check["expectation"] for check in found["gate"]["failed"]] == ["match_rate_sufficient"]
    assert not output.exists()
    (measured,) = list_runs(Settings(home=tmp_path))
    assert measured.facts["match_rate"] == 0.5 and "match_rate" in {one.measure for one in measured.alerts}


@pytest.mark.parametrize(
    ("match_rate", "empty", "baseline", "failed"),
    [
        (0.70, 0.0, None, []),
        (0.699, 0.0, None, ["match_rate_sufficient"]),
        (0.80, 0.95, None, []),
        (0.80, 0.951, None, ["match_fields_filled"]),
        (0.80, 0.0, 0.85, []),
        (0.80, 0.0, 0.851, ["match_rate_kept"]),
    ],
)
def test_the_gate_blocks_just_beyond_its_thresholds(match_rate, empty, baseline, failed, tmp_path):
    home = tmp_path / "enrichment" / "recipients"
    home.mkdir(parents=True)
    if baseline is not None:
        (home / "baseline.json").write_text(json.dumps({"awards.csv": baseline}), encoding="utf-8")
    gate = gate_matches(
        Settings(home=tmp_path),
        declared_matching("recipients"),
        {"match_rate": match_rate},
        {"name": 0.0, "state": empty},
        "awards.csv",
    )
    assert [check.expectation for check in gate.failed] == failed
    assert gate.blocks == bool(failed) and gate.evaluated == 3


class RecordingRunner(InProcessRunner):
    """Keeps the names of the steps that ran."""

    def __init__(self):
        super().__init__(lambda _: None)
        self.steps = []

    def __call__(self, step, /, *args, **kwargs):
        self.steps.append(step.__name__)
        return super().__call__(step, *args, **kwargs)


def award_lines(known, unknown, states):
    """Return awards of a recipient and of nobody, the first `states` of them with a state."""
    names = ["Benthos Inc"] * known + [f"Nobody {n} Xqzw" for n in range(unknown)]
    lines = [f"{name},{'MA' if n < states else ''}" for n, name in enumerate(names)]
    return "\n".join(["company,state", *lines]) + "\n"


@pytest.mark.parametrize(
    ("before", "awards", "failed"),
    [
        (None, award_lines(70, 30, 100), []),
        (None, award_lines(69, 31, 100), ["match_rate_sufficient"]),
        (None, award_lines(80, 20, 5), []),
        (None, award_lines(80, 20, 4), ["match_fields_filled"]),
        (award_lines(85, 15, 100), award_lines(80, 20, 100), []),
        (award_lines(85, 15, 100), award_lines(79, 21, 100), ["match_rate_kept"]),
    ],
)
def test_what_follows_a_gate_that_blocks_does_not_run(before, awards, failed, files, tmp_path):
    settings, file, output = Settings(home=tmp_path), tmp_path / "awards.csv", tmp_path / "m.csv"
    request = RecipientsRequest(awards=file, recipients=files / "recipients.csv", output=output)
    if before is not None:
        file.write_text(before, encoding="utf-8")
        enrich_recipients(settings, request, QUIET)
        output.unlink()
    file.write_text(awards, encoding="utf-8")
    run = RecordingRunner()
    if not failed:
        report = enrich_recipients(settings, request, run)
        assert report.previous == (None if before is None else 0.85) == report.baseline
        assert run.steps[-1] == "write_output" and output.is_file()
        return
    with pytest.raises(EnrichmentBlocked) as blocked:
        enrich_recipients(settings, request, run)
    assert blocked.value.exit_code == 3
    assert [check.expectation for check in blocked.value.report.gate.failed] == failed
    assert "gate_matches" in run.steps and "write_output" not in run.steps and not output.exists()
    assert {row["status"] for row in review_queue(settings, "recipients")} <= {"review", "unmatched"}


def test_titles_get_market_wages_and_a_survey_can_replace_them(tmp_path):
    titles = tmp_path / "titles.csv"
    rows = ["Acct Mgr II", *["Registered Nurse"] * 3, "Sr Software Developer", "Electrician", "Xqzw"]
    titles.write_text("\n".join(["title", *rows]) + "\n", encoding="utf-8")
    output = tmp_path / "market.csv"
    settings = Settings(home=tmp_path)
    report = enrich_market(settings, MarketRequest(titles=titles, output=output), QUIET)
    found = {row["name"]: row for row in rows_of(output)}
    assert report.totals["rows"] == 7 and report.records == 5
    assert found["Registered Nurse"]["matched_id"] == "29-1141" and found["Registered Nurse"]["people"] == "3"
    nurse = wages_by_occupation()["29-1141"]
    assert float(found["Registered Nurse"]["p50"]) == nurse.median
    assert found["Sr Software Developer"]["matched_id"] == "15-1252"
    assert found["Xqzw"]["status"] == "unmatched" and found["Xqzw"]["p50"] == ""
    survey = tmp_path / "survey.csv"
    survey.write_text("Title,P25,P50,P75\nRegistered Nurse,70000,80000,95000\n", encoding="utf-8")
    with pytest.raises(EnrichmentBlocked):
        enrich_market(settings, MarketRequest(titles=titles, survey=survey), QUIET)
    survey.write_text("Title,P25,P50,P75\nRegistered Nurse,90000,80000,95000\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"line 2: the percentiles do not rise"):
        enrich_market(settings, MarketRequest(titles=titles, survey=survey), QUIET)


def test_references_of_titles_say_why_there_is_none(tmp_path):
    found = title_references(Settings(home=tmp_path), ["Registered Nurse", "Chief Executive", "Xqzw"])
    assert found["Registered Nurse"].wages is not None and found["Registered Nurse"].why is None
    assert found["Xqzw"].wages is None and found["Xqzw"].why == "no occupation has a title like it"
    assert found["Chief Executive"].soc == "11-1011"


def test_wages_that_are_not_published_say_so():
    executives = wages_by_occupation(2023)["11-1011"]
    assert 90 not in executives.percentiles and executives.why == "above 239,200 a year"
    aides = wages_by_occupation(2023)["31-1121"]  # published with 31-1122 as one
    assert aides.median is not None and "31-1120" in aides.basis
    assert wages_by_occupation(2016)["15-1252"].median is not None  # had another code then
    with pytest.raises(InputError, match="2017"):
        wages_by_occupation(2017)


def test_a_pay_is_placed_between_the_published_percentiles():
    market = {10: 40_000.0, 25: 50_000.0, 50: 60_000.0, 75: 80_000.0, 90: 100_000.0}
    assert market_place(55_000, market).percentile == 37.5
    assert market_place(60_000, market) == market_place(60_000.0, market)
    assert market_place(70_000, market).percentile == 62.5
    assert market_place(66_000, market).ratio == 1.1
    low, high = market_place(30_000, market), market_place(200_000, market)
    assert (low.percentile, low.is_beyond, high.percentile, high.is_beyond) == (10.0, True, 90.0, True)
    assert market_place(1.0, {50: 2.0}).percentile is None


def test_each_use_has_an_example_of_its_own(tmp_path):
    settings = Settings(home=tmp_path)
    found = enrich_recipients(settings, RecipientsRequest(demo=True, output=tmp_path / "m.csv"), QUIET)
    rows = {(row["name"], row["matched_id"]) for row in rows_of(tmp_path / "m.csv")}
    assert ("Harbor Light Thermal Systems", "HT3J7KLMNP77") in rows  # not the therapeutics
    assert ("SIX RIVERS ENVIRONMENTAL ANALY", "SR7L2MNPQR21") in rows
    assert {*found.totals["methods"]} == {"uei-exact", "duns-exact", "name-exact", "name-fuzzy"}
    assert found.totals["rows"] == 24 and found.totals["review"] >= 2
    titles = enrich_market(settings, MarketRequest(demo=True, output=tmp_path / "t.csv"), QUIET)
    found = {row["name"]: row for row in rows_of(tmp_path / "t.csv")}
    assert titles.totals["rows"] == 36 and float(found["Registered Nurse"]["p50"]) > 0
    assert found["Resident Supervisor"]["status"] == "review"  # of other people than a Resident
    assert found["Police Sergeant"]["status"] == "review"


def test_an_id_of_a_decision_counts_before_a_name_that_several_have(tmp_path):
    """Two occupations have the title: the decision's id says which."""
    settings = Settings(home=tmp_path)
    titles = tmp_path / "titles.csv"
    titles.write_text("title\nRegistered Nurse\nOperations Specialist\n", encoding="utf-8")
    for soc in ("55-3015", "13-1199"):
        decision = MatchDecision("market", "Operations Specialist", None, None, soc, "Operations Specialist")
        decide_match(settings, decision)
        found = title_references(settings, ["Operations Specialist"], decisions=[decision])
        assert found["Operations Specialist"].soc == soc


@pytest.mark.real_data
def test_reported_titles_find_their_occupation_often_enough(tmp_path):
    """A sample of those that job holders reported, each taken out of the reference; bars of the design."""
    file = real_data.folder() / "market" / "onet_reported_titles_dev.tsv"
    found = evaluate_reported_titles(Settings(home=tmp_path), file, sample=400)
    shares = found.as_json()
    assert found.titles == 400
    assert shares["top_1"] >= TOP_1_MIN and shares["top_5"] >= TOP_5_MIN
    assert shares["precision"] >= LINKED_RIGHT_MIN


@pytest.mark.real_data
def test_labelled_recipients_are_matched_precisely_enough_on_the_half_that_fitted_nothing(tmp_path):
    folder = real_data.folder() / "enrichment"
    firms = ("sbir_firm_names.csv", "sbir_awards_1983_2018.csv.gz", "sbir_awards_2017_2020.csv.gz")
    found = evaluate_recipients(
        Settings(home=tmp_path), folder / "recipient_gold_dev.csv", [folder / name for name in firms]
    )
    for half in HALVES:
        cascade = found.of(half, FITTED)
        assert cascade["precision"] >= PRECISION_MIN and cascade["recall"] >= RECALL_MIN, half
        assert found.of(half, "token sets")["precision"] < cascade["precision"]
        assert found.of(half, "exact names only")["recall"] < cascade["recall"]
