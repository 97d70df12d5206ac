"""Cards over time: what the last sweep changed and why, the trend of benchmarks, matching."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from planwise.formatting import count, is_missing, moment, money_short, percent, points, ratio
from ui.components import html
from ui.components.card import Content
from ui.components.charts import (
    GREY,
    NOTE_HEIGHT,
    PALETTE,
    TOTAL,
    Series,
    bars,
    lines,
    note,
    ranked,
    with_reference,
)
from ui.components.html import TableColumn
from ui.values.matches import COMPANIES, TITLES, MatchQuality
from ui.values.pipeline import infeasible

if TYPE_CHECKING:
    from planwise.app.benchmark import BenchmarkTrend
    from planwise.app.sweep_report import Sweep

Called = Callable[[str], str]
KINDS = {"infeasible": "Became infeasible", "feasible": "Became feasible", "moved": "Moved"}
STILL, GONE, SAME = "Infeasible", "No longer swept", "Not changed"
NO_SWEEP = (
    "No sweep has run in this home yet. A sweep simulates and publishes every scenario, usually at night; "
    "what moved from one to the next, and why, is shown here."
)
NO_ENRICHMENT = "No enrichment run yet."
SWEEP_COLUMNS = (
    TableColumn("scenario", "Scenario"),
    TableColumn("variant", "Variant", is_text=True),
    TableColumn("change", "Change", is_text=True, whole=True),
    TableColumn("growth", "Annual growth", lambda value: percent(value, 2)),
    TableColumn("moved", "Moved by", lambda value: points(value)),
    TableColumn("payroll", "Payroll $", money_short),
    TableColumn("what", "What", is_text=True),
    TableColumn("why", "Why", is_text=True),
)
MOVES_SHOWN = 12
LEAST_RATE = 0.00005  # less does not show: 0.005 pp
BENCHMARK_COLUMNS = (
    TableColumn("at", "Time", moment, is_text=True, whole=True),
    TableColumn("figure", "Figure", lambda name: str(name).replace("_", " "), is_text=True),
    TableColumn("multiple", "Multiple of the first", lambda value: ratio(value, 2)),
)
CALLED: Mapping[str, str] = {TITLES: "Job titles and the market", COMPANIES: "Companies and recipients"}
QUALITY_PARTS: Mapping[str, str] = {
    "by_method": "Method",
    "by_score": "Score from",
    "by_size": "Rows of a name",
    "by_identifier": "Identifier",
}
METHODS: Mapping[str, str] = {
    "name-exact": "same name",
    "name-fuzzy": "similar name",
    "decision": "decision of a person",
    "none": "nothing near",
}
QUALITY_COLUMNS = (
    TableColumn("group", "Group"),
    TableColumn("part", "By", is_text=True),
    TableColumn("rows", "Rows", count),
    TableColumn("linked", "Linked", count),
    TableColumn("match_rate", "Match rate", percent),
)
STATUSES: Mapping[str, str] = {"linked": "linked", "review": "for review", "unmatched": "unmatched"}
RATE_COLUMNS = (
    TableColumn("run", "Run"),
    TableColumn("at", "Started", moment, is_text=True, whole=True),
    TableColumn("rate", "Rate", lambda name: str(name).replace("_", " "), is_text=True),
    TableColumn("value", "Matched", percent),
)


def sweep_changes(sweep: "Sweep | None", before: "Sweep | None", called: Called) -> Content:
    """Return what the last sweep changed and why: what became infeasible first, the largest move next."""
    rows = [] if sweep is None else sweep_rows(sweep, before, called)
    frame = pd.DataFrame(rows, columns=[column.name for column in SWEEP_COLUMNS])
    moved = [row for row in rows if not is_missing(row["moved"]) and abs(row["moved"]) >= LEAST_RATE]
    figure = note(
        "No sweep yet." if sweep is None else "The first sweep of its kind: nothing to compare with.",
        NOTE_HEIGHT,
    )
    if sweep is not None and sweep.previous_at:
        figure = note("No growth has moved since the sweep before.", NOTE_HEIGHT)
    if moved := sorted(moved, key=lambda row: -abs(row["moved"]))[:MOVES_SHOWN]:
        names = [_named(row) for row in moved]
        values = [row["moved"] for row in moved]
        texts = [points(value) for value in values]
        figure = ranked(names, values, texts, TOTAL, x_format="+.1%", x_title="Change of annual growth")
    return Content(
        "What the last sweep changed",
        "" if sweep is None else _compared(sweep),
        frame,
        SWEEP_COLUMNS,
        "sweep_changes.csv",
        figure,
        lead=html.notice(NO_SWEEP) if sweep is None else _lead(sweep, called) + causes(rows),
    )


def sweep_rows(sweep: "Sweep", before: "Sweep | None", called: Called) -> list[dict[str, Any]]:
    """Return the rows of a sweep with what changed of each and why, changes first."""
    then = {row.label: row.growth for row in before.rows} if before is not None else {}
    rows: list[dict[str, Any]] = []
    for row in sweep.rows:
        found = [one for one in sweep.changes if (one.scenario, one.variant) == (row.scenario, row.variant)]
        kinds = [KINDS[kind] for kind in KINDS if kind in {one.kind for one in found}]
        texts = [one.what.removeprefix(f"{row.label}: ") for one in found if one.kind != "feasible"]
        growth = then.get(row.label)
        rows.append(
            {
                "scenario": called(row.scenario),
                "variant": row.variant_text,
                "change": ", ".join(kinds) or (SAME if row.feasible else STILL),
                "growth": row.growth,
                "moved": None if row.growth is None or growth is None else row.growth - growth,
                "payroll": row.payroll,
                "what": "; ".join(texts or row.reasons),
                "why": "; ".join(found[0].why if found else ()),
            }
        )
    rows.sort(key=lambda row: (_place(row["change"]), -abs(row["moved"] or 0)))
    empty = dict.fromkeys((column.name for column in SWEEP_COLUMNS), None)
    return rows + [
        empty | {"scenario": label, "variant": "", "change": GONE, "what": "", "why": ""}
        for label in sweep.gone
    ]


def _place(change: str) -> int:
    """Return where a row is listed: what became infeasible first, what has not changed last."""
    return [*KINDS.values(), STILL, SAME].index(change.split(", ")[0])


def _named(row: Mapping[str, Any]) -> str:
    return row["scenario"] if row["variant"] == "saved values" else f"{row['scenario']} ({row['variant']})"


def _compared(sweep: "Sweep") -> str:
    before = (
        f"against that of {moment(sweep.previous_at)}" if sweep.previous_at else "the first with its request"
    )
    return f"Sweep of {moment(sweep.at)}, {before}; annual growth in percentage points"


def _lead(sweep: "Sweep", called: Called) -> str:
    """Return what an operator must know first: what is infeasible now, and whether the sweep is whole."""
    parts = []
    if not sweep.complete:
        parts.append(html.notice("This sweep was stopped before its end.", tone="warn"))
    if now := infeasible(sweep.rows):
        fell = {(one.scenario, one.variant) for one in sweep.changes if one.kind == "infeasible"}
        first = [
            f"{called(row.scenario)} ({row.variant_text}): {'; '.join(row.reasons)}"
            for row in sorted(now, key=lambda row: (row.scenario, row.variant) not in fell)
        ]
        more = f"; and {len(first) - 2} more, in the table" if len(first) > 2 else ""
        since = f", {len(fell)} of them since the sweep before" if sweep.previous_at else ""
        parts.append(
            html.notice(
                f"{len(now)} of {len(sweep.rows)} infeasible{since}.", "; ".join(first[:2]) + more, "warn"
            )
        )
    return "".join(parts)


def causes(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return what made rows change, each cause once with its rows, as names and values."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if row["why"]:
            found.setdefault(row["why"], []).append(_named(row))
    return html.facts({", ".join(names): f"because of {why}" for why, names in found.items()})


NO_BENCHMARK = (
    "Benchmarks compare versions of PlanWise on one machine, for those who install it. What the runs of this "
    "home took is above."
)


def benchmark(trend: "BenchmarkTrend") -> Content:
    """Return the trend of benchmarks with the multiples from which they warn and fail."""
    rows = [
        {"at": at, "figure": name, "multiple": value}
        for name, found in trend.series.items()
        for at, value in found
    ]
    frame = pd.DataFrame(rows, columns=[column.name for column in BENCHMARK_COLUMNS])
    figure = note("No benchmark has been recorded.", NOTE_HEIGHT)
    if rows:
        times = sorted({str(row["at"]) for row in rows})
        records = {at: str(number) for number, at in enumerate(times, 1)}
        series = [
            _over_time(
                name.replace("_", " "),
                {records[at]: value for at, value in found},
                list(records.values()),
                PALETTE[place % len(PALETTE)],
            )
            for place, (name, found) in enumerate(trend.series.items())
        ]
        figure = lines(
            list(records.values()),
            series,
            y_format=",.2f",
            y_title="Multiple of the first record",
            reference=("Failure", trend.failure),
        )
        figure = with_reference(figure, "Warning", trend.warning)
    return Content(
        "Benchmark trend",
        "CPU time as a ratio to a reference, a multiple of the first record; by number of the record",
        frame,
        BENCHMARK_COLUMNS,
        "benchmark_trend.csv",
        figure,
        lead="" if rows else html.notice(NO_BENCHMARK),
    )


def match_rates(rows: Sequence[Mapping[str, Any]], warning: float, critical: float) -> Content:
    """Return the share of records that enrichment linked, run by run, with the limits of its alerts."""
    frame = pd.DataFrame(rows, columns=[column.name for column in RATE_COLUMNS])
    figure = note(NO_ENRICHMENT, NOTE_HEIGHT)
    if rows:
        places = [f"#{run}" for run in dict.fromkeys(row["run"] for row in rows)]
        names = dict.fromkeys(str(row["rate"]) for row in rows)
        series = [
            _over_time(
                name.replace("_", " "),
                {f"#{row['run']}": row["value"] for row in rows if row["rate"] == name},
                places,
                PALETTE[place % len(PALETTE)],
                percent,
            )
            for place, name in enumerate(names)
        ]
        limit = ("Critical", critical)
        figure = lines(places, series, y_format=".1%", y_title="Records matched", reference=limit)
        figure = with_reference(figure, "Warning", warning)
    return Content(
        "Match rates of enrichment",
        "Share of records that were linked, by run number; candidates do not count",
        frame,
        RATE_COLUMNS,
        "match_rates.csv",
        figure,
    )


def _over_time(
    name: str,
    found: Mapping[str, float],
    places: Sequence[str],
    color: str,
    write: Callable[..., str] = ratio,
) -> Series:
    values = [found.get(place) for place in places]
    return Series(name, values, [f"{name}: {write(value)}" for value in values], color)


def match_quality(found: MatchQuality | None) -> Content:
    """Return the quality of the last run of a matching, its scores as a chart."""
    if found is None:
        empty = pd.DataFrame(columns=[column.name for column in QUALITY_COLUMNS])
        return Content(
            "Match quality",
            NO_ENRICHMENT,
            empty,
            QUALITY_COLUMNS,
            "match_quality.csv",
            note(NO_ENRICHMENT, NOTE_HEIGHT),
        )
    report = found.report
    rows = [
        {**row, "part": text, "group": METHODS.get(row["group"], row["group"])}
        for part, text in QUALITY_PARTS.items()
        for row in report["quality"].get(part, ())
    ]
    frame = pd.DataFrame(rows, columns=[column.name for column in QUALITY_COLUMNS])
    statuses = ", ".join(f"{count(report[name])} {text}" for name, text in STATUSES.items())
    return Content(
        f"Match quality: {CALLED[found.matching].lower()}",
        f"{found.subject}: {statuses} of {count(report['rows'])} rows",
        frame,
        QUALITY_COLUMNS,
        f"match_quality_{found.matching}.csv",
        _histogram(report["quality"]["by_score"]),
        lead=match_facts(found),
    )


def _histogram(bands: Sequence[Mapping[str, Any]]) -> Any:
    places = [str(band["group"]) for band in bands]
    linked = [int(band["linked"]) for band in bands]
    others = [int(band["rows"]) - int(band["linked"]) for band in bands]
    series = [
        Series("Linked", linked, [f"{count(n)} linked" for n in linked], PALETTE[0]),
        Series("Not linked", others, [f"{count(n)} not linked" for n in others], GREY),
    ]
    return bars(places, series, y_format=",d", y_title="Rows by score", stacked=True)


def match_facts(found: MatchQuality) -> str:
    """Return the match rate against earlier runs and the gate, and which required cells are empty."""
    report = found.report
    tone = html.chip("Blocked" if found.blocked else "Passed", "bad" if found.blocked else "good")
    rates = [f"Match rate {percent(found.rate)}"]
    for name, text in (("previous", "the run before"), ("baseline", "the baseline")):
        earlier = report[name]
        rates.append(
            f"no {text.removeprefix('the ')} of this file"
            if earlier is None
            else f"{points(found.rate - earlier)} from {text}"
        )
    empty = ", ".join(f"{field} {percent(share)}" for field, share in report["empty"].items())
    texts = [f"{'; '.join(rates)}.", f"Empty cells of required fields: {empty}."]
    if report["stale_decisions"]:
        stale = count(report["stale_decisions"])
        texts.append(f"{stale} decisions name an entry that is not in the reference.")
    return f'<p class="quiet">{tone} {escape(" ".join(texts))}</p>'
