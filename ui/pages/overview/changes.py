"""What changed since the last sweep: figures that moved, by how much, and since when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape

from planwise.formatting import moment, money_short, percent, points
from ui.components import html
from ui.components.html import link
from ui.pages.overview.to_do import Called
from ui.values.results import Result, StoredSweep, StoredSweepRow, Sweeps

LEAST_RATE, LEAST_MONEY = 0.00005, 1.0  # less does not show: 0.005 pp, a dollar of payroll
SHOWN = 4  # changes; the others are counted
NO_SWEEP = (
    '<p class="quiet">No sweep has run in this home yet. A sweep simulates and publishes every scenario; '
    "changes from one sweep to the next are shown here.</p>"
)


@dataclass(frozen=True)
class ChangeFigures:
    """What is compared of a scenario: compound growth and payroll at the end of the horizon, the gate."""

    growth: float | None
    payroll: float | None
    gate: str
    reasons: tuple[str, ...] = ()
    fingerprint: str | None = None


@dataclass(frozen=True)
class Move:
    """One scenario whose figures moved."""

    name: str
    scenario: str
    before: ChangeFigures
    now: ChangeFigures
    why: str = ""

    @property
    def growth(self) -> float | None:
        """How far growth moved, a rate; None where one side has none."""
        if self.before.growth is None or self.now.growth is None:
            return None
        return self.now.growth - self.before.growth

    @property
    def payroll(self) -> float | None:
        """How far payroll moved, a year; None where one side has none."""
        if self.before.payroll is None or self.now.payroll is None:
            return None
        return self.now.payroll - self.before.payroll


def of_result(result: Result) -> ChangeFigures:
    """Return what is published of a scenario now."""
    kpi = result.kpi(result.last_year)
    return ChangeFigures(
        float(kpi["growth_compound"]),
        float(kpi["payroll"]),
        str(result.manifest["gate"]["status"]),
        fingerprint=result.fingerprint,
    )


def of_sweep(row: StoredSweepRow) -> ChangeFigures:
    """Return what a sweep found."""
    gate = row.gate or "not simulated"
    return ChangeFigures(row.growth, row.payroll, gate, row.reasons, row.fingerprint)


def moves(
    before: Mapping[str, ChangeFigures], now: Mapping[str, ChangeFigures], names: Mapping[str, str]
) -> list[Move]:
    """Return what moved among what both have, the largest change of growth first; `names` are scenarios."""
    found = [
        Move(name, names[name], before[name], now[name])
        for name in now
        if name in before and _moved(before[name], now[name])
    ]
    return sorted(found, key=lambda move: (move.growth is not None, -abs(move.growth or 0), move.name))


def since(last: StoredSweep, results: Sequence[Result], called: Called = str) -> list[Move]:
    """Return the scenarios whose published figures are not those that the sweep found."""
    now = {result.scenario: of_result(result) for result in results}
    before = {name: of_sweep(row) for name, row in last.published.items()}
    return _called(moves(before, now, {name: name for name in now}), called)


def between(last: StoredSweep, before: StoredSweep, called: Called = str) -> list[Move]:
    """Return what moved from one sweep to the next, variants too."""
    rows = last.by_label
    found = moves(
        {label: of_sweep(row) for label, row in before.by_label.items()},
        {label: of_sweep(row) for label, row in rows.items()},
        {label: row.scenario for label, row in rows.items()},
    )
    return _called([replace(one, why=last.why.get(one.name, "")) for one in found], called)


def _called(found: Sequence[Move], called: Called) -> list[Move]:
    """Return moves named by the scenarios' titles."""
    return [replace(one, name=one.name.replace(one.scenario, called(one.scenario), 1)) for one in found]


def news(sweeps: Sweeps, results: Sequence[Result], called: Called = str) -> str:
    """Return what moved since the last sweep, and what that sweep moved."""
    if sweeps.last is None:
        return NO_SWEEP
    last = sweeps.last
    parts = [
        _group(
            f"Since the sweep of {moment(last.at)}",
            since(last, results, called),
            "No published figure has moved since then.",
        )
    ]
    if not last.complete:
        parts.append('<p class="quiet">That sweep was stopped before its end.</p>')
    if sweeps.before is None:
        parts.append('<p class="quiet">The first sweep of its kind; the next is compared with it.</p>')
    else:
        title = f"That sweep against the one of {moment(sweeps.before.at)}"
        parts.append(_group(title, between(last, sweeps.before, called), "No scenario moved."))
    if failed := [row for row in last.rows if not row.feasible]:
        parts.append(_failed(failed))
    parts.append(f'<p class="quiet">{link("All rows of the sweep, and what caused them", "pipeline")}</p>')
    return "".join(parts)


def _moved(before: ChangeFigures, now: ChangeFigures) -> bool:
    return (
        before.gate != now.gate
        or _apart(before.growth, now.growth, LEAST_RATE)
        or _apart(before.payroll, now.payroll, LEAST_MONEY)
    )


def _apart(before: float | None, now: float | None, least: float) -> bool:
    if before is None or now is None:
        return (before is None) != (now is None)
    return abs(now - before) >= least


def _group(title: str, found: Sequence[Move], nothing: str) -> str:
    head = f'<h3 class="group-title">{escape(title)}</h3>'
    if not found:
        return f'{head}<p class="quiet">{escape(nothing)}</p>'
    more = len(found) - SHOWN
    rest = f'<p class="quiet">and {more} more that moved less.</p>' if more > 0 else ""
    return f'{head}<ul class="items">{"".join(map(_item, found[:SHOWN]))}</ul>{rest}'


def _item(move: Move) -> str:
    name = link(move.name, "overview", about=f"Show {move.name}", scenario=move.scenario)
    return (
        f'<li><span class="what">{name}</span><span class="act strong">{escape(_by(move))}</span>'
        f'<span class="why">{escape(_from_to(move))}{_gate(move)}{_because(move)}</span></li>'
    )


def _by(move: Move) -> str:
    if move.growth is None:
        return "not simulated" if move.now.growth is None else "simulated again"
    return points(move.growth)


def _from_to(move: Move) -> str:
    if move.growth is None or move.payroll is None:
        return "; ".join(move.now.reasons)
    return (
        f"annual growth {percent(move.before.growth, 2)} → {percent(move.now.growth, 2)}; "
        f"payroll {money_short(move.payroll, sign=True)} to {money_short(move.now.payroll)}"
    )


def _gate(move: Move) -> str:
    if move.before.gate == move.now.gate:
        return ""
    return f"; gate {escape(move.before.gate)} → {escape(move.now.gate)}"


def _because(move: Move) -> str:
    return f"; because of {escape(move.why)}" if move.why else ""


def _failed(rows: Sequence[StoredSweepRow]) -> str:
    shown = "; ".join(f"{row.label}: {', '.join(row.reasons)}" for row in rows[:SHOWN])
    more = f"; and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    return html.notice(f"{len(rows)} infeasible in that sweep.", shown + more, "warn")
