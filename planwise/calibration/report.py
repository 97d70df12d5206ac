"""A calibration as JSON, Markdown, YAML parameters and command options."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import yaml

from planwise.calibration.awards import AWARDS_RULE, awards_json
from planwise.calibration.estimate import EXPLAINED_MIN, Calibration
from planwise.calibration.exits import FAMILIES, OWN_CURVE_HEADS, Multiplier
from planwise.calibration.raises import COMPARABLE_RATES, IDENTIFICATION, promotion_rule
from planwise.calibration.rates import ALL_YEARS, THIN_HEADS, UNSEEN_EXITS, BandShare, share
from planwise.formatting import TERMINAL, counted, escape_markdown

GROUP_DIMENSIONS = ("department", "job_title")  # of exits; no bands of the parameters


def options(calibration: Calibration) -> list[str]:
    """Return `--set name=value` and `--assume name=value`, one per parameter."""
    return [
        *(f"--set {name}={value}" for name, value in calibration.levers.items()),
        *(f"--assume {name}={value}" for name, value in calibration.assumptions.items()),
    ]


def parameters_yaml(calibration: Calibration) -> str:
    """Return the levers and assumptions as YAML, with a line on where they come from."""
    content: dict[str, Any] = {
        "levers": dict(calibration.levers),
        "assumptions": dict(calibration.assumptions),
    }
    return f"# {description(calibration)}\n{yaml.safe_dump(content, sort_keys=False)}"


def description(calibration: Calibration) -> str:
    """Return one line: from which censuses, over which time."""
    years = calibration.years
    return (
        f"Calibrated on {', '.join(year.name for year in years)} ({years[0].as_of} to {years[-1].as_of}), "
        f"{'all years' if calibration.basis == 'mean' else 'the last year'}."
    )


def calibration_json(c: Calibration) -> dict[str, Any]:
    """Return every count, estimate and parameter; rates are shares, pay is in the censuses' currency."""
    return {
        "basis": c.basis,
        "years": [
            {
                "name": y.name,
                "as_of": y.as_of.isoformat(),
                "people": len(y.people),
                "levels_from": y.levels_from,
            }
            for y in c.years
        ],
        "levels": {"rule": c.scale.rule, "movements": list(c.scale.movements)},
        "headcounts": [asdict(h) for h in c.headcounts],
        "exits": [*(_flat(asdict(row)) for row in c.exits), *_exits_of_groups(c)],
        "exit_multipliers": [
            asdict(m) for m in c.exit_multipliers if m.dimension in FAMILIES or m.heads >= THIN_HEADS
        ],
        "first_year_exits": None if c.first_year_exits is None else asdict(c.first_year_exits),
        "promotions": {
            "rule": promotion_rule(c.scale.by_pay),
            "counts": [asdict(p) for p in c.promotion_counts],
            "shares": [_flat(asdict(row)) for row in c.promotions],
            "whole_raises": {str(k): asdict(e) for k, e in c.promotion_raises.items()},
        },
        "promotion_multipliers": [asdict(m) for m in c.promotion_multipliers],
        "raises": {
            "identification": IDENTIFICATION,
            "years": [
                asdict(s) | {"by_level": {str(k): asdict(e) for k, e in s.by_level.items()}} for s in c.raises
            ],
            "described_as": "awards and drift" if c.raise_split is None else "COLA and merit",
            "explained_by_cola_and_merit": c.explained,
            "split": None if c.raise_split is None else asdict(c.raise_split),
        },
        "awards": awards_json(c.awards),
        "hires": {
            "level_shares": {str(k): asdict(s) for k, s in c.hire_levels.items()},
            "pay": None if c.hire_pay is None else asdict(c.hire_pay),
        },
        "quirks": [dict(q) for q in c.quirks],
        "rekeyed": {
            "years": [asdict(y) | {"share": y.share} for y in c.rekeyed.years],
            "people": [asdict(p) | {"hire_date": p.hire_date.isoformat()} for p in c.rekeyed.people],
        },
        "levers": dict(c.levers),
        "assumptions": dict(c.assumptions),
        "options": options(c),
        "clips": [asdict(clip) for clip in c.clips],
        "notices": [{"census": year.name, "notice": notice} for year in c.years for notice in year.notices],
        "not_estimated": [{"name": name, "why": why} for name, why in c.not_estimated],
    }


def _exits_of_groups(c: Calibration) -> list[dict[str, Any]]:
    """Return the exit rates of departments and job titles, all years together; thin groups are left out."""
    return [
        {"dimension": m.dimension, "band": m.band, "label": m.band, "year": ALL_YEARS}
        | asdict(share(m.events, m.heads))
        for m in c.exit_multipliers
        if m.dimension in GROUP_DIMENSIONS and m.heads >= THIN_HEADS
    ]


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """Lift the share's fields beside the band's."""
    share: dict[str, Any] = row.pop("share")
    return row | share


count, percent, percent_range = TERMINAL.count, TERMINAL.percent, TERMINAL.percent_range
NONE = TERMINAL.missing


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table; the first column is aligned left, the others right."""
    lines = ["| " + " | ".join(headers) + " |", "|" + "|".join(["---", *["---:"] * (len(headers) - 1)]) + "|"]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]


QUIRKS = {
    "left_and_came_back_later": "left and came back in a later year (an exit, then an entrant)",
    "entrants_who_were_there_before": "entrants who had been there in an earlier year",
    "entrants_hired_before_the_year": "entrants whose hire date is not of this year",
    "exits_still_in_the_next_file": "exits who are in the next file, but outside the filter",
    "entrants_in_the_last_file": "entrants who were in the last file, but outside the filter",
    "hire_date_changed": "stayers whose hire date changed",
    "rehired_within_the_year": "stayers whose new hire date lies in the year (rehired)",
    "pay_falls": "stayers whose pay fell",
    "part_time": "part-timers (FTE under 1) at the opening",
    "rejected_duplicate_ids": "rows rejected for a duplicate id",
    "rejected_rows": "rows rejected in all, at the opening",
    "filtered_rows": "rows left out by the filter or as leavers, at the opening",
}


def calibration_markdown(c: Calibration, *, with_people: bool = True) -> str:
    """Return the report; `with_people` lists those who may have changed their id, without pay."""
    names = ", ".join(f"{year.name} ({year.as_of}, {len(year.people):,} people)" for year in c.years)
    basis = "all years together" if c.basis == "mean" else "the last year only"
    lines = [
        "# Calibration",
        "",
        f"From {names}. Values are taken from {basis}. {c.scale.rule[0].upper()}{c.scale.rule[1:]}.",
        "",
        "Intervals are 95 %: Wilson's for shares; a share from under 30 heads is marked *.",
        "",
        *_headcounts(c),
        *_exits(c),
        *_promotions(c),
        *_raises(c),
        *_hires(c),
        *_quirks(c),
        *_rekeyed(c, with_people),
        *_parameters(c),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _headcounts(c: Calibration) -> list[str]:
    rows = [
        (h.year, count(h.opening), count(h.exits), count(h.entrants), count(h.closing), percent(h.growth, 2))
        for h in c.headcounts
    ]
    return ["## Heads", "", *table(("year", "opening", "exits", "entrants", "closing", "growth"), rows)]


def _bands(shares: Sequence[BandShare], fitted: Sequence[Multiplier], event: str) -> list[str]:
    years = [row.year for row in shares if row.dimension == "everyone" and row.year != ALL_YEARS]
    factor = {(m.dimension, m.band): m.value for m in fitted}
    by_year = {(row.dimension, row.band, row.year): row.share for row in shares}
    rows = []
    for row in shares:
        if row.year != ALL_YEARS:
            continue
        multiplier = factor.get((row.dimension, row.band))
        each = [by_year.get((row.dimension, row.band, year)) for year in years]
        rows.append(
            (
                row.label + ("*" if row.share.thin else ""),
                count(row.share.heads),
                count(row.share.events),
                percent(row.share.rate),
                percent_range(row.share.low, row.share.high),
                *(percent(s.rate if s else None) for s in each),
                TERMINAL.ratio(multiplier),
            )
        )
    return table(("band", "heads", event, "rate", "interval", *years, "multiplier"), rows)


def _exits(c: Calibration) -> list[str]:
    first = c.first_year_exits
    seen = NONE if first is None else f"{percent(first.rate)} ({percent_range(first.low, first.high)})"
    return [
        "## Exits",
        "",
        "Who is in one census and missing in the next, by tenure and level on the day after the first. The "
        "multipliers are fitted together, with those of departments and job titles. Each is drawn towards 1 "
        "as if some more exits had been as expected; how many follows from how much the groups differ.",
        "",
        *_bands(c.exits, c.exit_multipliers, "exits"),
        *_departments(c),
        f"New hires: {UNSEEN_EXITS} Seen: {seen}; used: {_value(c, 'new_hire_termination_rate')}.",
        "",
    ]


def _departments(c: Calibration) -> list[str]:
    """Return the table of departments, and one line on titles and departments with a curve of their own."""
    found = [m for m in c.exit_multipliers if m.dimension == "department"]
    if not found:
        return []
    rows = [
        (m.band, count(m.heads), count(m.events), percent(m.events / m.heads), TERMINAL.ratio(m.value))
        for m in sorted(found, key=lambda m: -m.heads)
        if m.heads >= THIN_HEADS
    ]
    titles = [m for m in c.exit_multipliers if m.dimension == "job_title"]
    curves = sorted({m.department for m in c.exit_multipliers if m.department})
    priors = {m.dimension: m.prior_events for m in c.exit_multipliers}
    shrunk = ", ".join(f"{name.replace('_', ' ')} {k:,.0f}" for name, k in priors.items())
    return [
        *table(("department", "heads", "exits", "rate", "multiplier"), rows),
        f"Departments under {THIN_HEADS} heads and {counted(len(titles), 'job title')} have "
        f"multipliers, too. "
        f"A tenure curve of their own ({OWN_CURVE_HEADS:,} heads and more): {', '.join(curves) or 'none'}. "
        f"Exits as expected that each multiplier is drawn towards 1 by: {shrunk}.",
        "",
    ]


def _promotions(c: Calibration) -> list[str]:
    rows = [
        (
            p.year,
            *map(count, (p.level_rises, p.promotions, p.rises_not_counted, p.promotions_before_eligible)),
            *map(count, (p.rises_of_more_than_one, p.level_falls, p.title_changes, p.renamed)),
        )
        for p in c.promotion_counts
    ]
    headers = ("year", "level rises", "promotions", "rises not counted", "promoted before eligible")
    more = ("by two or more levels", "level falls", "title changes", "of these renamed titles")
    raises = [
        (
            f"from level {k}",
            count(e.heads),
            percent(e.value),
            percent_range(e.low, e.high),
            _value(c, f"promotion_raise_level_{k}"),
        )
        for k, e in c.promotion_raises.items()
    ]
    return [
        "## Promotions",
        "",
        f"A promotion is {promotion_rule(c.scale.by_pay)}. Rates are of those who stayed, below the top "
        "level, with the minimum service on the promotion date.",
        "",
        *table((*headers, *more), rows),
        *_bands(c.promotions, c.promotion_multipliers, "promotions"),
        "The whole raise of the promoted (pay-weighted, with everything else they got), and the promotion "
        "raise with which the simulation pays them as much:",
        "",
        *table(("promoted", "heads", "whole raise", "interval", "promotion raise"), raises),
    ]


def _raises(c: Calibration) -> list[str]:
    rows = [
        (
            s.year,
            count(s.heads),
            f"{percent(s.common)} ({'mode' if s.common_is_mode else 'median'}, "
            f"{percent(s.common_share, 0)} alike)",
            *map(percent, (s.overall.value, s.mean, s.p10, s.median, s.p90, s.no_raise_share, s.fall_share)),
            count(s.left_out),
        )
        for s in c.raises
    ]
    headers = ("year", "stayers", "common raise", "pay-weighted mean", "mean", "P10", "median", "P90")
    levels = sorted({level for s in c.raises for level in s.by_level})
    by_level = [
        (
            f"level {level}",
            *(
                f"{percent(e.value, 2)} ({percent_range(e.low, e.high, 2)})"
                if (e := s.by_level.get(level))
                else NONE
                for s in c.raises
            ),
            _value(c, f"merit_rate_level_{level}"),
        )
        for level in levels
    ]
    moved = [c.raise_split.moved, ""] if c.raise_split is not None and c.raise_split.moved else []
    if c.explained is not None and c.raise_split is None:
        return [*_distribution(c, headers, rows), *_awards(c)]
    return [
        "## Raises",
        "",
        f"{IDENTIFICATION} Raises outside {COMPARABLE_RATES[0]:.0%} to {COMPARABLE_RATES[1]:.0%} are left "
        "out and counted.",
        "",
        _explained(c),
        "",
        *table((*headers, "none", "falls", "left out"), rows),
        f"COLA {_value(c, 'cola_rate')}; total raise by level, pay-weighted, and the merit it leaves:",
        "",
        *table(("level", *(s.year for s in c.raises), "merit"), by_level),
        *moved,
    ]


def _distribution(c: Calibration, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        "## Raises",
        "",
        f"{AWARDS_RULE} Raises outside {COMPARABLE_RATES[0]:.0%} to {COMPARABLE_RATES[1]:.0%} are left "
        "out and counted.",
        "",
        _explained(c),
        "",
        *table((*headers, "none", "falls", "left out"), rows),
    ]


def _explained(c: Calibration) -> str:
    if c.explained is None:
        return "No stayers: nothing is known of raises."
    way = (
        "so raises are described as COLA and merit"
        if c.raise_split is not None
        else "so they are described as awards"
    )
    return (
        f"COLA and merit by the simulation's rules explain {percent(max(c.explained, 0.0), 0)} of the "
        f"raises' variance ({EXPLAINED_MIN:.0%} are needed unless `--raises` says otherwise), {way}."
    )


def _awards(c: Calibration) -> list[str]:
    years = list(dict.fromkeys(award.year for award in c.awards.awards))
    by_group = {(award.group, award.year): award for award in c.awards.awards}
    expected = c.awards.expected(c.used)

    def cell(group: str, year: str) -> str:
        award = by_group[group, year]
        if award.pooled:
            return f"{percent(award.rate, 2)} (all, {count(award.heads)} own)"
        return f"{percent(award.rate, 2)} ({percent(award.share, 0)} of {count(award.heads)})"

    rows = [
        (group or "everyone else", *(cell(group, year) for year in years), percent(expected.get(group), 2))
        for group in (*c.awards.groups, "")
    ]
    drift = {(one.group, one.year): one for one in c.awards.drift}
    drifts = [
        (
            {"all": "everyone", "": "everyone else"}.get(group, group),
            *(percent(one.mean, 2) if (one := drift.get((group, year))) else NONE for year in years),
        )
        for group in ("all", *c.awards.groups, "")
    ]
    return [
        f"Awards by {c.awards.attribute.removesuffix('_id').replace('_', ' ')}, how many share them, and "
        "their mean, which is used:",
        "",
        *table((c.awards.attribute, *years, "used"), rows),
        "Mean drift, weighted by pay: what comes without a decision. "
        f"{counted(len(c.awards.donors), 'donor is', 'donors are')} kept.",
        "",
        *table((c.awards.attribute, *years), drifts),
    ]


def _hires(c: Calibration) -> list[str]:
    rows = [
        (f"level {level}", count(s.events), percent(s.rate), percent_range(s.low, s.high))
        for level, s in c.hire_levels.items()
    ]
    entry = c.hire_pay
    where = (
        "No entrants."
        if entry is None
        else f"On average their pay is at {percent(entry.position_seen)} of the range (weighted by the "
        f"range's width), ± {percent(entry.spread_seen)} if spread evenly. A simulated hire has the position "
        "of the recent hire that it copies; new_hire_salary_adjustment "
        f"{TERMINAL.ratio(entry.adjustment)} gives entrants their mean pay (1.15: as much as recent hires)."
    )
    return [
        "## Hires",
        "",
        "Employees in a census and not in the one before, regardless of hire date.",
        "",
        *table(("level", "entrants", "share", "interval"), rows),
        where,
        "",
    ]


def _quirks(c: Calibration) -> list[str]:
    years = [str(q["year"]) for q in c.quirks]
    rows = [(text, *(count(q[key]) for q in c.quirks)) for key, text in QUIRKS.items()]
    return ["## Data anomalies", "", *table(("count", *years), rows)]


REKEYED = (
    "Who left and who came in with the same old hire date, the same department or title and pay within 25 %, "
    "with no other pair possible, is probably one person under another id: a marriage, a corrected date. "
    "Such "
    "people are exits here. `--join-rekeyed` takes each pair for one person; in the "
    "payrolls tried, nearly all were, and one in five of those who changed their id has no such pair."
)


def _rekeyed(c: Calibration, with_people: bool) -> list[str]:
    found = c.rekeyed
    rows = [
        (y.year, *map(count, (y.exits, y.older_entrants, y.offered)), percent(y.share)) for y in found.years
    ]
    headers = ("year", "exits", "entrants hired earlier", "offered as one person", "of the exits")
    listed = [
        (
            p.year,
            p.old_id,
            p.new_id,
            p.hire_date.isoformat(),
            " → ".join(dict.fromkeys((p.department, p.new_department))),
            " → ".join(dict.fromkeys((p.job_title, p.new_job_title))),
        )
        for p in found.people
    ]
    names = ("year", "left as", "came in as", "hired", "department", "title")
    lines = [[escape_markdown(cell) for cell in row] for row in listed]
    return [
        "## The same person under another id",
        "",
        REKEYED,
        "",
        *table(headers, rows),
        *(table(names, lines) if with_people and listed else []),
    ]


def _parameters(c: Calibration) -> list[str]:
    clips = [f"- {k.name}: {k.estimated:.4f} estimated, {k.used:g} used (its bound)" for k in c.clips]
    gaps = [f"- {name}: {why}" for name, why in c.not_estimated]
    return [
        "## Parameters",
        "",
        "```",
        *options(c),
        "```",
        "",
        "Clipped to their hard bounds:" if clips else "No parameter was clipped.",
        "",
        *([*clips, ""] if clips else []),
        "Not estimated; the default or the value named is used:"
        if gaps
        else "All parameters were estimated.",
        "",
        *gaps,
        "- performance, pay elasticity of turnover, dates: censuses a year apart do not show them",
    ]


def _value(c: Calibration, name: str) -> str:
    value = {**c.levers, **c.assumptions}.get(name)
    return percent(value, 2) if isinstance(value, int | float) else NONE
