"""Card of match quality: what was linked, by method, score and identifier, and against earlier runs."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from planwise.formatting import count, percent, points
from ui.components import html
from ui.components.card import Content
from ui.components.charts import GREY, PALETTE, Series, bars, note
from ui.components.html import TableColumn
from ui.values.matches import COMPANIES, TITLES, MatchQuality

NOTHING = "No enrichment run yet."
CALLED: Mapping[str, str] = {TITLES: "Job titles and the market", COMPANIES: "Companies and recipients"}
PARTS: Mapping[str, str] = {
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
COLUMNS = (
    TableColumn("group", "Group"),
    TableColumn("part", "By", is_text=True),
    TableColumn("rows", "Rows", count),
    TableColumn("linked", "Linked", count),
    TableColumn("match_rate", "Match rate", percent),
)


def quality(found: MatchQuality | None) -> Content:
    """Return the quality of the last run of a matching, its scores as a chart."""
    if found is None:
        empty = pd.DataFrame(columns=[column.name for column in COLUMNS])
        return Content("Match quality", NOTHING, empty, COLUMNS, "match_quality.csv", note(NOTHING))
    report = found.report
    rows = [
        {**row, "part": text, "group": METHODS.get(row["group"], row["group"])}
        for part, text in PARTS.items()
        for row in report["quality"].get(part, ())
    ]
    frame = pd.DataFrame(rows, columns=[column.name for column in COLUMNS])
    statuses = ", ".join(f"{count(report[name])} {text}" for name, text in STATUSES.items())
    return Content(
        f"Match quality: {CALLED[found.matching].lower()}",
        f"{found.subject}: {statuses} of {count(report['rows'])} rows",
        frame,
        COLUMNS,
        f"match_quality_{found.matching}.csv",
        _histogram(report["quality"]["by_score"]),
        lead=facts(found),
    )


STATUSES: Mapping[str, str] = {"linked": "linked", "review": "for review", "unmatched": "unmatched"}


def _histogram(bands: Sequence[Mapping[str, Any]]) -> Any:
    places = [str(band["group"]) for band in bands]
    linked = [int(band["linked"]) for band in bands]
    others = [int(band["rows"]) - int(band["linked"]) for band in bands]
    series = [
        Series("Linked", linked, [f"{count(n)} linked" for n in linked], PALETTE[0]),
        Series("Not linked", others, [f"{count(n)} not linked" for n in others], GREY),
    ]
    return bars(places, series, y_format=",d", y_title="Rows by score", stacked=True)


def facts(found: MatchQuality) -> str:
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
