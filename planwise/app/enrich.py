"""Enrichment: match awards with recipients, and titles with the market survey; gates, chunks, decisions."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from cyclopts import Parameter
from pydantic import Field

from planwise.app.exports import record_export
from planwise.app.gates import evaluate_gate, record_gate
from planwise.app.runner import Runner, require_not_stopped
from planwise.census import Census, load_census
from planwise.census.market import store_market
from planwise.enrichment.decisions import MatchDecision, MatchDecisions, last_report, matching_home
from planwise.enrichment.declarations import DEMO, Matching, declared_matching
from planwise.enrichment.evaluation import MatchEvaluation, TitleEvaluation, evaluate, evaluate_titles
from planwise.enrichment.market import (
    aged_by,
    census_market,
    load_reference,
    read_survey,
    survey_name,
    wage_rows,
    wages_by_occupation,
)
from planwise.enrichment.runs import CHUNK_ROWS, Chunk, MatchingRun
from planwise.enrichment.sources import load_aliases, load_decisions, load_frame, load_table
from planwise.errors import GateBlocked, InputError
from planwise.formatting import counted
from planwise.gate import GateResult, require
from planwise.governance import Action, open_ledger, utc_now
from planwise.governance.request import Bounds, Request
from planwise.monitoring import describe_run
from planwise.monitoring.gate_history import GateOf
from planwise.settings import Settings
from planwise.storage import digest, read_object, write_json

OUTPUT_SUFFIXES = (".csv", ".parquet")
BASELINE = "baseline.json"
SUITES = {"recipients": "recipient-match", "market": "market-match"}


class RecipientsRequest(Request):
    """Match SBIR awards with federal recipients."""

    awards: Annotated[Path | None, Parameter(name="--awards")] = Field(
        default=None, description="CSV or Parquet with a company name, and uei, duns, city, state, zip."
    )
    recipients: Path | None = Field(default=None, description="The reference: CSV or Parquet, likewise.")
    output: Path | None = Field(default=None, description="Matches, a row per award: .csv or .parquet.")
    demo: Annotated[bool, Parameter(negative="")] = Field(
        default=False, description="Match the bundled example: 24 awards, 20 invented recipients."
    )
    aliases: Path | None = Field(
        default=None, description="Former names of companies: CSV with company, former_name."
    )
    name_column: str | None = Field(default=None, description="Column of names in the awards.")
    recipient_column: str | None = Field(default=None, description="Column of names in the recipients.")
    chunk_rows: Annotated[int, Bounds(1, 1_000_000)] = Field(
        default=CHUNK_ROWS, description="Distinct records that are matched at once."
    )
    save_as_baseline: Annotated[bool, Parameter(negative="")] = Field(
        default=False, description="Compare the match rate of later runs with this one's."
    )


class MarketRequest(Request):
    """Match the job titles of a census with the market survey."""

    census: str | None = Field(default=None, description="Census; default the one in use.")
    titles: Path | None = Field(default=None, description="A file with titles, instead of a census.")
    demo: Annotated[bool, Parameter(negative="")] = Field(
        default=False, description="Match the bundled example of 36 people with common titles."
    )
    survey: Path | None = Field(
        default=None, description="A survey with title, p10, p25, p50, p75, p90, instead of O*NET and OEWS."
    )
    year: int | None = Field(default=None, description="Year of the bundled wages; default the newest.")
    output: Path | None = Field(default=None, description="Matches, a row per title: .csv or .parquet.")
    name_column: str | None = Field(default=None, description="Column of titles in --titles.")
    survey_date: date | None = Field(
        default=None,
        description="Date of the wages, from which they are aged to the census date; default May of the "
        "bundled year, for --survey the census date.",
    )
    aging_rate: Annotated[float | None, Bounds(-0.2, 0.5)] = Field(
        default=None, description="Yearly movement that ages the wages; default that of market_movement."
    )
    chunk_rows: Annotated[int, Bounds(1, 1_000_000)] = Field(
        default=CHUNK_ROWS, description="Titles that are matched at once."
    )
    save_as_baseline: Annotated[bool, Parameter(negative="")] = Field(
        default=False, description="Compare the match rate of later runs with this one's."
    )


@dataclass(frozen=True)
class EnrichmentReport:
    """The outcome of one run of `subject`, a file or a census, with the digest of its `content`.

    `empty` is the share of empty cells by required field; `baseline` the match rate that the gate compares
    with, `previous` that of the run before of the same subject, None without one. `output` is None when the
    gate blocked it or none was requested. `at` is when the decisions were read.
    `market` is what a census's titles have as their market reference from now on.
    """

    matching: str
    subject: str
    content: str
    at: str
    run: str
    totals: Mapping[str, Any]
    records: int
    seconds: float
    gate: GateResult
    quality: Mapping[str, Any]
    chunks: int
    chunks_resumed: int
    stale_decisions: int
    empty: Mapping[str, float]
    baseline: float | None
    previous: float | None
    output: Path | None = None
    market: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the object that `planwise enrich --json` prints."""
        found = self.gate.as_json()
        return {
            "matching": self.matching,
            "subject": self.subject,
            "content": self.content,
            "at": self.at,
            "run": self.run,
            **self.totals,
            "baseline": self.baseline,
            "previous": self.previous,
            "empty": dict(self.empty),
            "records": self.records,
            "seconds": round(self.seconds, 3),
            "chunks": self.chunks,
            "chunks_resumed": self.chunks_resumed,
            "stale_decisions": self.stale_decisions,
            "gate": {key: found[key] for key in ("suite", "status", "evaluated", "failed")},
            "quality": self.quality,
            "output": None if self.output is None else str(self.output),
            "market": self.market,
        }


class EnrichmentBlocked(GateBlocked):
    """A critical expectation failed: no output was written."""

    def __init__(self, report: EnrichmentReport, blocked: GateBlocked) -> None:
        super().__init__(f"No output was written. {blocked.what}", remedy=blocked.remedy)
        self.report = report


def enrich_recipients(settings: Settings, request: RecipientsRequest, run: Runner) -> EnrichmentReport:
    """Match awards with recipients; raises InputError for a file that cannot be used, EnrichmentBlocked."""
    if request.demo:
        given = {"awards": DEMO / "awards.csv", "recipients": DEMO / "recipients.csv", "demo": False}
        return enrich_recipients(settings, request.model_copy(update=given), run)
    if request.awards is None or request.recipients is None:
        raise InputError(
            "--awards and --recipients are required.", remedy="Give two CSV or Parquet files, or --demo."
        )
    matching = declared_matching("recipients")
    files = [file for file in (request.awards, request.recipients, request.aliases) if file is not None]
    digests = [_digest(file) for file in files]
    inputs = {
        "files": digests,
        "columns": [request.name_column, request.recipient_column],
    }

    def load(matched: MatchingRun) -> None:
        assert request.awards is not None and request.recipients is not None
        left, right = _given(request.name_column), _given(request.recipient_column)
        load_table(matched.cascade, "left", request.awards, left)
        load_table(matched.cascade, "right", request.recipients, right)
        if request.aliases is not None:
            load_aliases(matched.cascade, request.aliases)

    subject = MatchingSubject(request.awards.name, digests[0])
    return _enrich(settings, matching, request, inputs, load, run, subject)


def enrich_market(settings: Settings, request: MarketRequest, run: Runner) -> EnrichmentReport:
    """Match the titles of a census or a file with the survey; raises InputError, EnrichmentBlocked."""
    if request.demo:
        given = {"titles": DEMO / "titles.csv", "demo": False}
        return enrich_market(settings, request.model_copy(update=given), run)
    matching = declared_matching("market")
    if request.titles is None:
        census = load_census(settings, request.census)
        subject, key = census.name, census.content_hash
    else:
        census, subject, key = None, request.titles.name, _digest(request.titles)
    survey = None if request.survey is None else read_survey(request.survey)
    wages_by_occupation(request.year)  # a year without wages is an error before anything is computed
    inputs = {
        "titles": key,
        "column": request.name_column,
        "survey": request.survey and _digest(request.survey),
    }

    def load(matched: MatchingRun) -> None:
        if request.titles is not None:
            load_table(matched.cascade, "left", request.titles, _given(request.name_column))
        else:
            assert census is not None
            titles = pd.read_parquet(census.census_file, columns=["job_title"])
            load_frame(matched.cascade, "left", titles.rename(columns={"job_title": "name"}))
        load_reference(matched.cascade, survey)

    def keep(matched: MatchingRun) -> dict[str, Any] | None:
        return None if census is None else use_market(matched, request, census, survey)

    return _enrich(settings, matching, request, inputs, load, run, MatchingSubject(subject, key), keep)


def use_market(
    matched: MatchingRun, request: MarketRequest, census: Census, survey: pd.DataFrame | None
) -> dict[str, Any]:
    """Make the matches the market reference of a census, aged to its date; return what is known of it."""
    titles = matched.matched_titles(wage_rows(survey, request.year))
    rate, factor, since = aged_by(request.survey_date, request.year, census.as_of, request.aging_rate, survey)
    about = {
        "survey": survey_name(request.survey, request.year),
        "wages_of": since.isoformat(),
        "aging_rate": rate,
        "aging_factor": factor,
        "run": matched.key,
        **matched.totals(),
    }
    return store_market(census, census_market(titles, factor), about)


@dataclass(frozen=True)
class MatchingSubject:
    """What is matched: a file or a census by name, and the digest of its content."""

    name: str
    content: str


def _enrich(
    settings: Settings,
    matching: Matching,
    request: RecipientsRequest | MarketRequest,
    inputs: Mapping[str, Any],
    load: Any,
    run: Runner,
    subject: MatchingSubject,
    keep: Any = None,
) -> EnrichmentReport:
    """Load, match chunk by chunk, gate, and write the output if the gate passes."""
    _check_output(request.output)
    with open_ledger(settings) as ledger:
        ledger.require(Action.RUN)
        decisions, read_at = MatchDecisions(ledger).list(matching.matching), utc_now()
    stated = {**inputs, "decisions": [one.as_json() for one in decisions]}
    started = time.perf_counter()
    key = f"match-{matching.matching}"
    with MatchingRun(settings, matching, stated, request.chunk_rows).opened() as matched:
        run.advance(key, 0.0, f"Reading {subject.name}")
        stale: int = run(read_tables, matched, load, decisions)
        chunks = matched.chunks()
        describe_run(records=matched.count("file_left"))
        run.advance(
            key,
            0.1,
            f"{counted(matched.count('records'), 'distinct record')} in {counted(len(chunks), 'chunk')}",
        )
        run(prepare_reference, matched)
        resumed = 0
        for chunk in chunks:
            require_not_stopped(run, f"chunk {chunk.number} of {len(chunks)}")
            resumed += not run(match_chunk, matched, chunk)
            run.advance(key, 0.3 + 0.6 * chunk.number / len(chunks), f"Chunk {chunk.number} of {len(chunks)}")
        run(collect_matches, matched)
        totals = matched.totals()
        describe_run(match_rate=totals["match_rate"])
        empty = matched.null_shares()
        gate: GateResult = run(gate_matches, settings, matching, totals, empty, subject.name)
        record_gate(settings, run, gate, GateOf.MATCHING, subject.name, matched.key)
        report = EnrichmentReport(
            matching=matching.matching,
            subject=subject.name,
            content=subject.content,
            at=read_at.isoformat(),
            run=matched.key,
            totals=totals,
            records=matched.count("records"),
            seconds=time.perf_counter() - started,
            gate=gate,
            quality=matched.quality(),
            chunks=len(chunks),
            chunks_resumed=resumed,
            stale_decisions=stale,
            empty=empty,
            baseline=_baselines(matched.home).get(subject.name),
            previous=_previous_rate(settings, matching.matching, subject.name),
        )
        show_quality(run, report)
        try:
            require(gate)
        except GateBlocked as blocked:
            matched.keep({**report.as_json(), "request": _request_again(request)})
            raise EnrichmentBlocked(report, blocked) from None
        if request.output is not None:
            run(write_output, settings, matched, request, subject.name)
        market = None if keep is None else keep(matched)
        report = replace(report, output=request.output, market=market, seconds=time.perf_counter() - started)
        matched.keep({**report.as_json(), "request": _request_again(request)})
        _keep_baseline(matched.home, subject.name, totals["match_rate"], replace_it=request.save_as_baseline)
    run.advance(key, 1.0, "Done")
    return report


def read_tables(matched: MatchingRun, load: Any, decisions: list[MatchDecision]) -> int:
    """Read both tables and the decisions; return how many decisions name an entry that is not there."""
    load(matched)
    return load_decisions(matched.cascade, decisions)


def prepare_reference(matched: MatchingRun) -> None:
    """Normalise names, weigh words, make blocks."""
    matched.cascade.prepare()


def match_chunk(matched: MatchingRun, chunk: Chunk) -> bool:
    """Match one chunk, unless an earlier run did."""
    return matched.match_chunk(chunk)


def collect_matches(matched: MatchingRun) -> None:
    """Put the chunks together."""
    matched.collect()


def write_output(
    settings: Settings, matched: MatchingRun, request: RecipientsRequest | MarketRequest, subject: str
) -> None:
    """Write the matches, with the market's wages for titles, and record the file as an export."""
    assert request.output is not None
    wages = None
    if isinstance(request, MarketRequest):
        wages = wage_rows(None if request.survey is None else read_survey(request.survey), request.year)
    matched.write_output(request.output, wages)
    record_export(settings, request.output, f"matches of {subject}")


def gate_matches(
    settings: Settings,
    matching: Matching,
    totals: Mapping[str, Any],
    null_shares: Mapping[str, float],
    subject: str,
) -> GateResult:
    """Evaluate the gate: match rate, completeness, change against the baseline."""
    baseline = _baselines(matching_home(settings, matching.matching)).get(subject)
    change = None if baseline is None else totals["match_rate"] - baseline
    match = {"matching": matching.matching, "match_rate": totals["match_rate"], "match_rate_change": change}
    fields = pd.DataFrame({"field": list(null_shares), "null_share": list(null_shares.values())})
    frames = {"match": pd.DataFrame([match]), "required_fields": fields}
    return evaluate_gate(SUITES[matching.matching], frames)


def show_quality(run: Runner, report: EnrichmentReport) -> None:
    """Publish the quality report with the run."""
    for name, rows in report.quality.items():
        title = f"{name.replace('_', ' ').capitalize()}: rows and match rate"
        run.table(f"quality-{report.matching}-{name.replace('_', '-')}", rows, title)


def evaluate_recipients(settings: Settings, labels: Path, firms: Sequence[Path]) -> MatchEvaluation:
    """Measure the matching of recipients on labelled names; raises InputError for other files."""
    return evaluate(settings, declared_matching("recipients"), labels, firms)


def evaluate_reported_titles(settings: Settings, labels: Path, sample: int = 0) -> TitleEvaluation:
    """Measure the matching of titles on those of known occupations; raises InputError for other files."""
    return evaluate_titles(settings, declared_matching("market"), labels, sample)


def _request_again(request: RecipientsRequest | MarketRequest) -> dict[str, Any]:
    """Return a request by which the same is matched again, wherever that is run."""
    stated = {name: value for name, value in request if name in request.model_fields_set}
    return {name: _as_text(value) for name, value in stated.items()}


def _as_text(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value.resolve())
    return value.isoformat() if isinstance(value, date) else value


def _digest(file: Path) -> str:
    if not file.is_file():
        raise InputError(f"{file} is no file.", remedy="Check the path.")
    return digest(file)


def _given(column: str | None) -> dict[str, str]:
    return {} if column is None else {"name": column}


def _check_output(output: Path | None) -> None:
    if output is not None and output.suffix.lower() not in OUTPUT_SUFFIXES:
        raise InputError(
            f"--output {output}: {output.suffix!r} is no format of matches.",
            remedy=f"Use one of {', '.join(OUTPUT_SUFFIXES)}.",
        )


def _baselines(home: Path) -> dict[str, float]:
    file = home / BASELINE
    return read_object(file, "baseline of match rates", "Delete it.") if file.is_file() else {}


def _previous_rate(settings: Settings, matching: str, subject: str) -> float | None:
    report = last_report(settings, matching)
    return None if report is None or report.get("subject") != subject else float(report["match_rate"])


def _keep_baseline(home: Path, subject: str, match_rate: float, *, replace_it: bool) -> None:
    """Keep the match rate that later runs of a file are compared with: the first one's, or a chosen one's."""
    found = _baselines(home)
    if replace_it or subject not in found:
        write_json(home / BASELINE, {**found, subject: match_rate}, indent=2)
