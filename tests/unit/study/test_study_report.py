"""The evidence report: complete, escaped, self-contained, of old results too; what it writes is read back."""

import json
import re
import shlex
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from study_worlds import World

from planwise.errors import InputError
from planwise.study.commands import app
from planwise.study.report import document_of, evidence_of, html_of, markdown_of
from planwise.study.report.again import ask, simulate
from planwise.study.report.blocks import Chart, Document, Fact, Facts, Section, Table, Text
from planwise.study.report.figures import amount_change, millions, number, percent, points
from planwise.study.report.markdown import escaped
from planwise.study.report.search_charts import seed_bins

HOSTILE = '<script>alert("x")</script>|`a` [b](http://c) & *d*'


class Page(HTMLParser):
    """What a browser sees: tags in order, text, and whatever would be fetched."""

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
def told(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("home"))
    world.study(0.05, name="first", preview=True, seeds=4)
    return world


@pytest.fixture(scope="module")
def evidence(told):
    return evidence_of(told.settings, "first")


@pytest.fixture(scope="module")
def document(evidence):
    return document_of(evidence)


def page(document):
    return Page(html_of(document, "the end"))


def test_a_report_has_the_question_the_answer_and_what_they_rest_on(document):
    assert document.answer.startswith("Yes: with 11 levers changed, mean base pay grows by 5.00% a year")
    titles = [section.title for section in document.sections]
    assert titles[:3] == ["", "Question", "Levers"] and titles[-1] == "To have it again"
    assert {"Cost", "People", "Constraints", "Risk", "Under other seeds", "Sensitivity"} <= set(titles)


def test_each_chart_has_its_table_beneath(document):
    assert {"levers", "cost", "robustness", "sensitivity", "convergence"} <= {c.name for c in document.charts}
    for section in document.sections:
        for place, block in enumerate(section.blocks):
            if isinstance(block, Chart):
                assert isinstance(section.blocks[place + 1], Table)


def test_html_is_well_formed_and_fetches_nothing(document):
    seen = page(document)
    assert seen.open == [] and seen.fetched == [] and "script" not in seen.tags
    text = html_of(document, "")
    assert not re.search(r"url\(\s*['\"]?(?!#)|@import|https?://(?!www\.w3\.org)", text)
    assert text.count("<svg") == len(document.charts)


def test_charts_follow_the_theme_and_their_ids_do_not_collide(document):
    text = html_of(document, "")
    assert "prefers-color-scheme: dark" in text and "@media print" in text
    assert all("#0a0b" not in chart.svg and "var(--ink" in chart.svg for chart in document.charts)
    ids = [
        name for chart in document.charts for name in set(re.findall(r'<clipPath id="([^"]+)"', chart.svg))
    ]
    assert len(ids) == len(set(ids))


def test_the_same_study_gives_the_same_report(evidence, document):
    assert html_of(document_of(evidence), "") == html_of(document, "")


def test_what_people_wrote_is_escaped(evidence):
    about = {**evidence.about, "scenario": HOSTILE, "census": HOSTILE}
    result = {**evidence.result, "warnings": [HOSTILE], "strategy_reason": HOSTILE}
    trials = (*evidence.trials[:-1], replace(evidence.trials[-1], error=HOSTILE))
    document = document_of(replace(evidence, about=about, result=result, trials=trials))
    seen = page(document)
    assert "script" not in seen.tags and "a" not in seen.tags
    assert HOSTILE in seen.text  # as it was written
    markdown = re.sub(r"(?ms)^(`{3,})$.*?^\1$", "", markdown_of(document, "", "charts"))  # verbatim is safe
    assert "<script" not in markdown.replace("\\<script", "")
    assert not re.search(r"(?<!\\)\[b(?<!\\)\]\(http", markdown)


def test_markdown_escapes_what_would_be_markup_and_leaves_names_alone():
    assert escaped("cola_rate of _all_") == "cola_rate of \\_all\\_"
    assert escaped("1. no\nlist") == "1\\. no list" and escaped("- no list") == "\\- no list"
    assert escaped("# no heading") == "\\# no heading" and escaped("a|b") == "a\\|b"
    assert escaped("−1.2 pp") == "−1.2 pp" and escaped("<=5") == "\\<=5"


def test_every_markdown_table_has_as_many_cells_in_each_row(document):
    document = replace(
        document,
        sections=[Section("S", [Facts([Fact("a|b", "1")]), Table("c", ("x|", "y"), [("1|2", "3")])])],
    )
    rows = [line for line in markdown_of(document, "", "c").splitlines() if line.startswith("|")]
    cells = [len(re.findall(r"(?<!\\)\|", row)) - 1 for row in rows]
    assert cells == [3, 3, 3, 2, 2, 2]


def test_a_study_that_missed_and_one_out_of_reach_say_so(world):
    world.study(0.05, name="missed", strategy="conservative", max_iterations=1)
    answer = document_of(evidence_of(world.settings, "missed")).answer
    assert answer.startswith("Not met: the best found grows by") and "it ended: iterations" in answer
    world.study(0.4, name="far")
    assert "out of reach" in document_of(evidence_of(world.settings, "far")).answer


def test_a_constraint_that_nothing_meets_is_named(evidence):
    gate, limit = (
        {"name": "gate", "satisfied": True},
        {"name": "raise_max", "text": "raise<=0.2", "satisfied": False},
    )
    result = {**evidence.result, "nearest_growth": 0.0506, "constraints": [gate, limit], "converged": False}
    answer = document_of(replace(evidence, result=result)).answer
    assert answer == "Nothing meets raise<=0.2; shown is what comes nearest, with 5.06%."


def test_an_older_result_is_reported_without_what_it_lacks(evidence):
    added = ("quality_score", "cost_impact", "employee_impact", "parameter_impact", "risk", "sensitivity")
    added += ("front", "picks", "advice", "warnings", "versions", "trial", "strategy_reason")
    old = {key: value for key, value in evidence.result.items() if key not in added}
    old |= {"robustness": "not computed", "constraints": [{"name": "gate", "value": 0.0, "satisfied": True}]}
    seen = page(document_of(replace(evidence, result=old)))
    assert any("Robustness: not computed." in text for text in seen.text)


def test_a_front_is_drawn_with_its_knee(evidence):
    points = ((3, 0.9, 40.0), (7, 1.0, 4.0), (5, 1.2, 0.1))
    front = [
        {"trial": n, "values": {"cost": c, "targets": t}, "growth": 0.05, "gap_pp": 0.0} for n, c, t in points
    ]
    picks = {"knee": 7, "diverse": [3, 7, 5]}
    document = document_of(replace(evidence, result={**evidence.result, "front": front, "picks": picks}))
    chart, table = next(s for s in document.sections if s.title == "Trade-offs").blocks
    assert "knee, 7" in chart.svg and [row[1] for row in table.rows] == ["pick", "knee", "pick"]


def test_the_commands_ask_the_same_again_and_simulate_the_answer(evidence):
    request = {"levers": {"cola_rate": 0.02, "merit_rate_level_1@2027": 0.03}, "assumptions": {"seed": 7}}
    question = {**evidence.question, "by_year": True, "locked": ["cola_rate"], "constraints": ["raise<=0.2"]}
    about = {**evidence.about, "request": json.dumps(request), "census": "my census", "question": question}
    told = replace(evidence, about=about)
    words = shlex.split(ask(told))
    assert words[:6] == ["planwise", "optimize", "--scenario", "baseline", "--census", "my census"]
    assert (
        shlex.join(words[6:12]) == "--set cola_rate=0.02 --set merit_rate_level_1@2027=0.03 --assume seed=7"
    )
    assert "--target-growth 0.05 --tolerance 0.001 --strategy solve" in " ".join(words)
    assert {"--by-year", "--lock", "raise<=0.2", "--preview"} <= set(words)
    again = shlex.split(simulate(told))
    new = evidence.result["changes"]["cola_rate"]["new"]
    assert f"cola_rate={new:.10g}" in again and "cola_rate=0.02" not in again  # set once
    assert again.count("--set") == 12 and "merit_rate_level_1@2027=0.03" in again


def test_what_changes_payroll_sums_to_its_change(evidence):
    parts = {"cola_cost": 5.0, "merit_cost": 4.0, "promotion_cost": 1.0, "hire_cost": 30.0}
    parts |= {"exit_savings": 20.0, "payroll_change": 20.0}
    trial = evidence.trials[0]
    kpis = [{**year, **parts} for year in trial.evaluation.kpis]
    told = replace(
        evidence,
        trials=(replace(trial, evaluation=replace(trial.evaluation, kpis=kpis)), *evidence.trials[1:]),
        result={**evidence.result, "kpis": kpis},
    )
    cost = next(s for s in document_of(told).sections if s.title == "Cost")
    assert cost.blocks[-1].rows[0] == ["2026", "before", "+5", "+4", "+1", "+30", "−20", "+20"]


def test_a_study_without_a_target_has_no_gap_to_draw(evidence):
    about = {**evidence.about, "question": {**evidence.question, "objectives": [["cost", 1.0]]}}
    document = document_of(replace(evidence, about=about))
    assert "convergence" not in {chart.name for chart in document.charts}
    assert document.answer.startswith("With 11 levers changed, growth is 5.00% a year instead of")


def test_the_command_writes_both_files_or_one(told, tmp_path, capsys):
    def run(*tokens):
        home = ["--home", str(told.settings.home)]
        app(["report", "first", *tokens, *home], exit_on_error=False, result_action="return_value")
        return capsys.readouterr().out

    written = json.loads(run("--json"))["files"]
    assert [name.rpartition("/")[2] for name in written] == ["report.md", "report.html"]
    run("--output", str(tmp_path / "deep" / "one.md"))
    charts = tmp_path / "deep" / "one_charts"
    linked = re.findall(r"\]\(one_charts/([^)]+)\)", (tmp_path / "deep" / "one.md").read_text())
    assert sorted(linked) == sorted(file.name for file in charts.iterdir()) and "levers.svg" in linked
    for file in charts.iterdir():
        assert ET.parse(file).getroot().tag.endswith("svg")
    assert not (tmp_path / "deep" / "one.html").exists()
    with pytest.raises(InputError, match="neither HTML nor Markdown"):
        run("--output", str(tmp_path / "one.pdf"))


def test_a_study_that_has_not_ended_has_no_report(world):
    world.study(0.4, name="first")
    (world.settings.studies_dir / "first" / "result.json").unlink()
    with pytest.raises(InputError, match="has no result"):
        evidence_of(world.settings, "first")


def test_bins_are_as_wide_as_the_tolerance_with_an_edge_on_target():
    assert seed_bins(np.array([2.75, 3.05]), 3.0, 0.1) == pytest.approx([2.7, 2.8, 2.9, 3.0, 3.1])
    assert seed_bins(np.array([3.0]), 3.0, 0.1) == pytest.approx([2.9, 3.0, 3.1])
    wide = seed_bins(np.array([0.0, 3.0]), 3.0, 0.1)
    assert np.diff(wide) == pytest.approx(0.3) and wide[-2] == pytest.approx(3.0)
    assert len(seed_bins(np.array([1.0, 2.0]), None, 0.1)) == 4


def test_figures_as_they_are_read():
    assert percent(0.0299) == "2.99%" and percent(-0.0299) == "−2.99%" and percent(None) == "-"
    assert points(-0.0000001) == "0.00 pp" and points(0.001) == "+0.10 pp"
    assert amount_change(-1234567.8) == "−1,234,568" and millions(1234567.8) == "1.2 M"
    assert number(330000000.0) == "330,000,000" and number(0.02) == "0.02" and number(None) == "-"
    assert number(4.5e-6) == "0" and number(0.25) == "0.25"


def test_a_document_without_anything_is_still_a_page():
    seen = page(Document("t", "s", "a", "", [Section("S", [Text("x", "warn")])]))
    assert seen.open == [] and "x" in seen.text
