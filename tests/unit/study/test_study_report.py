"""The evidence report, and the commands on stored studies."""

import csv
import io
import json
import re
import shlex
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from typing import Annotated

import numpy as np
import pytest
from cyclopts import App, Parameter
from study_worlds import BASE, World

from planwise.cli import commands
from planwise.errors import InputError
from planwise.formatting import escape_markdown
from planwise.study import OptimizeRequest
from planwise.study.report import Report, gather_evidence, render_html, render_markdown
from planwise.study.report.charts import seed_bins
from planwise.study.report.evidence import optimize_command, simulate_command
from planwise.study.study_files import hold_study

HOSTILE = '<script>alert("x")</script>|`a` [b](http://c) & *d*'


class Page(HTMLParser):
    """A parsed page: its tags in order, its texts, and the addresses that it would load."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.fetched, self.open = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        self.fetched += [v for k, v in attrs if k in ("src", "href", "xlink:href") and not v.startswith("#")]

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.fetched += [v for k, v in attrs if k in ("src", "href", "xlink:href") and not v.startswith("#")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def first_study(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("home"))
    world.study(0.05, name="first", preview=True, seeds=4)
    return world


@pytest.fixture(scope="module")
def evidence(first_study):
    return gather_evidence(first_study.settings, "first")


@pytest.fixture(scope="module")
def report(evidence):
    return Report(evidence)


def markdown_of(evidence):
    return render_markdown(Report(evidence), "charts")


def answer_of(evidence):
    return re.search(r"(?m)^\*\*(.*)\*\*$", markdown_of(evidence))[1]


def section_of(evidence, title):
    return markdown_of(evidence).partition(f"## {title}\n")[2].partition("\n## ")[0]


def cells_of(row):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


def tables_of(text):
    """The rows of each Markdown table, the alignments left out."""
    tables = re.findall(r"(?m)(?:^\|.*\|$\n?)+", text)
    return [[cells_of(row) for i, row in enumerate(table.splitlines()) if i != 1] for table in tables]


def test_a_report_has_the_settings_the_result_and_what_they_rest_on(evidence):
    answer = answer_of(evidence)
    assert answer.startswith(
        "Target met: with 11 levers changed, the growth of average pay is 5.00% instead of"
    )
    titles = re.findall(r"(?m)^## (.*)$", markdown_of(evidence))
    assert titles[:2] == ["Study settings", "Levers"] and titles[-1] == "Reproduce this study"
    assert {"Cost", "People", "Constraints", "Risk", "Robustness", "Sensitivity"} <= set(titles)


def test_both_formats_show_every_chart_with_its_table_beneath(report):
    assert set(report.charts) == {"levers", "cost", "robustness", "sensitivity", "convergence"}
    text = render_markdown(report, "my charts")
    for name in report.charts:
        assert re.search(rf"\]\(my%20charts/{name}\.svg\)\n\n[^\n]+\n\n\| ", text)
    assert render_html(report).count("<svg") == len(report.charts)


def test_both_formats_have_the_same_tables(report):
    html = Page(render_html(report))
    cells = [cell for table in tables_of(render_markdown(report, "c")) for row in table for cell in row]
    written = [re.sub(r"\\([^\w\s])", r"\1", cell) for cell in cells if cell]
    assert set(written) - {"figure", "value"} <= {text.strip() for text in html.text}
    assert len(tables_of(render_markdown(report, "c"))) == html.tags.count("table") + 1  # and the key figures


def test_html_is_well_formed_and_loads_nothing(report):
    text = render_html(report)
    seen = Page(text)
    assert seen.open == [] and seen.fetched == [] and "script" not in seen.tags
    assert not re.search(r"url\(\s*['\"]?(?!#)|@import|https?://(?!www\.w3\.org)", text)


def test_charts_follow_the_theme_and_their_ids_do_not_collide(report):
    text = render_html(report)
    assert "prefers-color-scheme: dark" in text and "@media print" in text
    assert all("#0a0b" not in svg and "var(--ink" in svg for svg in report.charts.values())
    ids = [name for svg in report.charts.values() for name in set(re.findall(r'<clipPath id="([^"]+)"', svg))]
    assert len(ids) == len(set(ids))


def test_equal_evidence_gives_equal_text(evidence, report):
    assert render_html(Report(evidence)) == render_html(report)


def test_texts_of_users_are_escape_markdown(evidence):
    about = {**evidence.about, "scenario": HOSTILE, "census": HOSTILE}
    result = {**evidence.result, "warnings": [HOSTILE], "strategy_reason": HOSTILE}
    trials = (*evidence.trials[:-1], replace(evidence.trials[-1], error=HOSTILE))
    hostile = replace(evidence, about=about, result=result, trials=trials)
    seen = Page(render_html(Report(hostile)))
    assert "script" not in seen.tags and "a" not in seen.tags
    assert HOSTILE in seen.text
    markdown = re.sub(r"(?ms)^(`{3,})$.*?^\1$", "", markdown_of(hostile))  # verbatim text is safe
    assert "alert" in markdown and "<script" not in markdown.replace("\\<script", "")
    assert not re.search(r"(?<!\\)\[b(?<!\\)\]\(http", markdown)
    for table in tables_of(markdown):
        assert len({len(row) for row in table}) == 1


def test_markdown_escapes_markup_but_not_names():
    assert escape_markdown("cola_rate of _all_") == "cola_rate of \\_all\\_"
    assert escape_markdown("1. no\nlist") == "1\\. no list" and escape_markdown("- no list") == "\\- no list"
    assert escape_markdown("# no heading") == "\\# no heading" and escape_markdown("a|b") == "a\\|b"
    assert escape_markdown("−1.2 pp") == "−1.2 pp" and escape_markdown("<=5") == "\\<=5"


def test_a_study_that_missed_and_one_out_of_reach_say_so(world):
    world.study(0.05, name="missed", strategy="conservative", max_iterations=1)
    answer = answer_of(gather_evidence(world.settings, "missed"))
    assert answer.startswith("Target not met: the best growth of average pay is")
    assert answer.endswith("; stopped: iterations.")
    world.study(0.4, name="far")
    assert "out of reach" in answer_of(gather_evidence(world.settings, "far"))


def test_a_constraint_that_nothing_meets_is_named(evidence):
    gate, limit = (
        {"name": "gate", "satisfied": True},
        {"name": "raise_max", "text": "raise<=0.2", "satisfied": False},
    )
    result = {**evidence.result, "nearest": 0.0506, "constraints": [gate, limit], "converged": False}
    answer = answer_of(replace(evidence, result=result))
    assert answer.startswith("No result meets raise\\<=0.2.") and answer.endswith(
        "growth of average pay 5.06%."
    )


def test_an_older_result_is_reported_without_what_it_lacks(evidence):
    added = ("quality_score", "cost_impact", "employee_impact", "parameter_impact", "risk", "sensitivity")
    added += ("front", "picks", "advice", "warnings", "versions", "trial", "strategy_reason")
    old = {key: value for key, value in evidence.result.items() if key not in added}
    old |= {"robustness": "not computed", "constraints": [{"name": "gate", "value": 0.0, "satisfied": True}]}
    seen = Page(render_html(Report(replace(evidence, result=old))))
    assert "Robustness: not computed." in seen.text
    assert "Sensitivity: not computed." in seen.text and "Cost: not computed." in seen.text


def test_a_front_is_drawn_with_its_knee(evidence):
    points = ((3, 0.9, 40.0), (7, 1.0, 4.0), (5, 1.2, 0.1))
    front = [
        {"trial": n, "values": {"cost": c, "targets": t}, "growth": 0.05, "gap_pp": 0.0} for n, c, t in points
    ]
    picks = {"knee": 7, "diverse": [3, 7, 5]}
    changed = replace(evidence, result={**evidence.result, "front": front, "picks": picks})
    assert "knee, 7" in Report(changed).charts["front"]
    (table,) = tables_of(section_of(changed, "Trade-offs"))
    assert table[2] == ["7", "knee", "1", "4", "5.00%"] and [row[1] for row in table[1:]] == [
        "pick",
        "knee",
        "pick",
    ]


AS_DEFINED = OptimizeRequest()


def parsed(words):
    """Return the request that the command line makes of these options."""
    command = App(result_action="return_value")

    @command.default
    def optimize(*, request: Annotated[OptimizeRequest, Parameter(name="*")] = AS_DEFINED) -> OptimizeRequest:
        return request

    return command(words)


def test_the_commands_ask_the_same_again_and_simulate_the_answer(evidence):
    request = {"levers": {"cola_rate": 0.02, "merit_rate_level_1@2027": 0.03}, "assumptions": {"seed": 7}}
    question = {**evidence.question, "by_year": True, "locked": ["cola_rate"], "constraints": ["raise<=0.2"]}
    about = {**evidence.about, "request": json.dumps(request), "census": "my census", "question": question}
    changed = replace(evidence, about=about)
    words = shlex.split(optimize_command(changed))
    assert shlex.join(words[:8]) == (
        "planwise optimize --set cola_rate=0.02 --set merit_rate_level_1@2027=0.03 --assume seed=7"
    )
    repeated = parsed(words[8:])
    assert (repeated.census, repeated.preview) == ("my census", True)
    assert repeated.for_scenario(BASE).identity == changed.header.spec.identity
    again = shlex.split(simulate_command(changed))
    new = evidence.result["changes"]["cola_rate"]["new"]
    assert f"cola_rate={new:.10g}" in again and "cola_rate=0.02" not in again  # set once
    assert again.count("--set") == 12 and "merit_rate_level_1@2027=0.03" in again


def test_what_changes_payroll_sums_to_its_change(evidence):
    parts = {"cola_cost": 5.0, "merit_cost": 4.0, "promotion_cost": 1.0, "hire_cost": 30.0}
    parts |= {"exit_savings": 20.0, "payroll_change": 20.0}
    trial = evidence.trials[0]
    kpis = [{**year, **parts} for year in trial.evaluation.kpis]
    changed = replace(
        evidence,
        trials=(replace(trial, evaluation=replace(trial.evaluation, kpis=kpis)), *evidence.trials[1:]),
        result={**evidence.result, "kpis": kpis},
    )
    assert tables_of(section_of(changed, "Cost"))[-1][1:3] == [
        ["2026", "before", "+5", "0", "+4", "+1", "+30", "−20", "+20"],
        ["2026", "after", "+5", "0", "+4", "+1", "+30", "−20", "+20"],
    ]


def test_a_study_without_a_target_has_no_gap_to_draw(evidence):
    about = {**evidence.about, "question": {**evidence.question, "objectives": [["cost", 1.0]]}}
    without = replace(evidence, about=about)
    assert "convergence" not in Report(without).charts
    assert answer_of(without).startswith("With 11 levers changed, annual growth is 5.00% instead of")


def test_the_command_writes_both_files_or_one(first_study, tmp_path, capsys):
    def run(*tokens):
        home = ["--home", str(first_study.settings.home)]
        code = commands.run(["study", "report", "first", *tokens, *home])
        return capsys.readouterr().out if code == 0 else code

    written = json.loads(run("--json"))["files"]
    assert [name.rpartition("/")[2] for name in written] == ["report.md", "report.html"]
    run("--output", str(tmp_path / "deep" / "one.md"))
    charts = tmp_path / "deep" / "one_charts"
    linked = re.findall(r"\]\(one_charts/([^)]+)\)", (tmp_path / "deep" / "one.md").read_text())
    assert sorted(linked) == sorted(file.name for file in charts.iterdir()) and "levers.svg" in linked
    for file in charts.iterdir():
        assert ET.parse(file).getroot().tag.endswith("svg")
    assert not (tmp_path / "deep" / "one.html").exists()
    assert run("--output", str(tmp_path / "one.pdf")) == 2
    assert "neither HTML nor Markdown" in capsys.readouterr().err


def test_an_unfinished_study_has_no_report(world):
    world.study(0.4, name="first")
    (world.settings.studies_dir / "first" / "result.json").unlink()
    with pytest.raises(InputError, match="has no result"):
        gather_evidence(world.settings, "first")


def test_bins_are_as_wide_as_the_tolerance_with_an_edge_on_target():
    assert seed_bins(np.array([2.75, 3.05]), 3.0, 0.1) == pytest.approx([2.7, 2.8, 2.9, 3.0, 3.1])
    assert seed_bins(np.array([3.0]), 3.0, 0.1) == pytest.approx([2.9, 3.0, 3.1])
    wide = seed_bins(np.array([0.0, 3.0]), 3.0, 0.1)
    assert np.diff(wide) == pytest.approx(0.3) and wide[-2] == pytest.approx(3.0)
    assert len(seed_bins(np.array([1.0, 2.0]), None, 0.1)) == 4


def run(tokens):
    return commands.run(["study", *tokens])


@pytest.fixture
def home(world):
    world.study(0.05, name="first", strategy="balanced")
    world.study(0.30, name="second")
    return ["--home", str(world.settings.home)]


def test_list_has_every_study(home, capsys):
    run(["list", "--json", *home])
    studies = {study["study"]: study for study in json.loads(capsys.readouterr().out)["studies"]}
    assert studies["first"]["converged"] and studies["first"]["state"] == "converged"
    assert studies["second"]["state"] == "unreachable"


def test_list_of_an_empty_home_makes_nothing(tmp_path, capsys):
    run(["list", "--json", "--home", str(tmp_path)])
    assert json.loads(capsys.readouterr().out) == {"studies": []}
    assert not list(tmp_path.iterdir())


def test_show_has_question_trials_and_result(home, capsys):
    run(["show", "first", "--json", *home])
    shown = json.loads(capsys.readouterr().out)
    assert shown["question"]["target"] == "growth=0.05"
    assert shown["result"]["converged"] and len(shown["trials"]) == shown["result"]["evaluations"]
    run(["show", "first", *home])
    assert "the target was met" in capsys.readouterr().out


def test_show_folds_replicates_and_names_the_best_with_its_constraints(world, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    world.study(0.05, name="analysed", constraints=("merit_monotone",), seeds=4)
    run(["show", "analysed", "--home", str(world.settings.home)])
    shown = capsys.readouterr().out
    assert "4 other seeds" in shown and "around the answer" in shown
    assert "Specification: merit_monotone." in shown and "merit_monotone: met" in shown
    assert "Best (real): growth of average pay 5.0" in shown


def test_show_of_a_study_that_is_not_there_says_so(home, capsys):
    assert run(["show", "third", *home]) == 2
    assert "third" in capsys.readouterr().err


def test_export_is_one_row_a_trial(home, capsys, tmp_path):
    run(["export", "first", *home])
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert rows[0]["purpose"] == "baseline" and float(rows[1]["cola_rate"]) == 0.0
    assert float(rows[0]["kpi_growth_compound"]) == float(rows[0]["growth"])
    file = tmp_path / "out" / "trials.csv"
    run(["export", "first", "--output", str(file), "--json", *home])
    assert json.loads(capsys.readouterr().out)["rows"] == len(rows)
    assert file.read_text().count("\n") == len(rows) + 1


def test_delete_removes_all_of_one_study_when_it_is_confirmed(home, world, capsys):
    folder = world.settings.studies_dir
    assert run(["delete", "first", *home]) == 2  # there is no terminal to confirm it on
    assert (folder / "first").is_dir()
    assert run(["delete", "first", "--yes", "--json", *home]) == 0
    shown = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert shown["deleted"] and shown["paths"] == [str(folder / "first")] and shown["size_mb"] > 0
    assert not (folder / "first").exists() and (folder / "second").is_dir()
    run(["list", "--json", *home])
    assert [study["study"] for study in json.loads(capsys.readouterr().out)["studies"]] == ["second"]
    assert run(["show", "first", *home]) == 2
    world.study(0.05, name="first", preview=True)  # the name is free again


def test_a_running_study_is_not_deleted(home, world, capsys):
    with hold_study(world.settings, "first"):
        assert run(["delete", "first", "--yes", *home]) == 4
    assert (world.settings.studies_dir / "first").is_dir()
