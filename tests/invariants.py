"""What is always true, read from the marts alone: each function is one invariant and returns what breaks it.

The numbers are those of docs/invariants.md.
"""

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import pandas as pd

Frames = Mapping[str, pd.DataFrame]
OPEN = ("continuous_active", "experienced_termination")
CLOSED = ("continuous_active", "new_hire_active")
HALF_A_CENT = 0.00501  # prorated pay is rounded once


def snapshot(frames: Frames) -> pd.DataFrame:
    return frames["fct_workforce_snapshot"]


def chained(frames: Frames) -> pd.DataFrame:
    events = frames["fct_yearly_events"]
    return events.sort_values(["employee_id", "simulation_year", "event_sequence"]).reset_index(drop=True)


def people(frames: Frames, year: int, statuses: tuple[str, ...]) -> set[str]:
    s = snapshot(frames)
    return set(s[(s.simulation_year == year) & s.employment_status.isin(statuses)].employee_id)


def years_of(effective: Any) -> list[tuple[int, int]]:
    """Return each simulated year with the one before it; 0 is the census."""
    return list(zip(effective.years, (0, *effective.years), strict=False))


def i01_headcount_balances(frames: Frames, effective: Any) -> list[str]:
    events, kpis = frames["fct_yearly_events"], frames["fct_scenario_kpis"].set_index("simulation_year")
    broken = []
    for year, _ in years_of(effective):
        of_year = events[events.simulation_year == year]
        hires, exits = ((of_year.event_type == t).sum() for t in ("HIRE", "TERMINATION"))
        opening, closing = (len(people(frames, year, s)) for s in (OPEN, CLOSED))
        row = kpis.loc[year]
        found = [opening, hires, exits, closing]
        if opening + hires - exits != closing:
            broken.append(f"{year}: {opening} + {hires} - {exits} is not {closing}")
        if list(row[["opening_headcount", "hires", "terminations", "headcount"]]) != found:
            broken.append(f"{year}: the KPIs count otherwise than {found}")
    return broken


def i02_closing_is_the_next_opening(frames: Frames, effective: Any) -> list[str]:
    return [
        f"{year}"
        for year, before in years_of(effective)
        if people(frames, before, CLOSED) != people(frames, year, OPEN)
    ]


def i03_closing_is_the_target(frames: Frames, effective: Any) -> list[str]:
    broken = []
    for year, before in years_of(effective):
        opening = len(people(frames, before, CLOSED))
        growth = Decimal(str(effective.value("headcount_growth", year)))
        target = (opening * (1 + growth)).quantize(Decimal(1), ROUND_HALF_UP)
        if len(people(frames, year, CLOSED)) != target:
            broken.append(f"{year}: not {target}")
    return broken


def i04_events_are_unique(frames: Frames, effective: Any) -> list[str]:
    e = frames["fct_yearly_events"]
    parts = e.simulation_year.astype(str), e.employee_id, e.event_type, e.event_reason
    expected = parts[0].str.cat(parts[1:], sep="/") if len(e) else e.event_id
    once = e[e.event_type.isin(["HIRE", "TERMINATION"])]
    return [
        *(["event_id is not the event's own"] if not (e.event_id == expected).all() else []),
        *e.event_id[e.event_id.duplicated()],
        *once.employee_id[once.duplicated(["employee_id", "event_type"])],
    ]


def i05_events_within_employment(frames: Frames, effective: Any) -> list[str]:
    keys = ["simulation_year", "employee_id"]
    facts = snapshot(frames)[[*keys, "hire_date", "termination_date"]]
    e = frames["fct_yearly_events"].merge(facts, on=keys, how="left", validate="many_to_one")
    when = pd.to_datetime(e.effective_date)
    bad = (
        e.hire_date.isna()
        | (when < e.hire_date)
        | (when > e.termination_date)
        | (when.dt.year != e.simulation_year)
    )
    return list(e.event_id[bad])


def i06_pay_is_the_replay_of_events(frames: Frames, effective: Any) -> list[str]:
    e = chained(frames)
    last = e.groupby("employee_id").compensation_amount.shift()
    census = snapshot(frames)[snapshot(frames).simulation_year == 0].set_index("employee_id").base_pay
    expected = last.where(last.notna(), e.employee_id.map(census))
    broken = list(e.event_id[(e.previous_compensation != expected) & ~(e.event_type == "HIRE")])
    broken += list(e.event_id[(e.event_type == "HIRE") & (e.previous_compensation.notna() | last.notna())])
    s = snapshot(frames)[snapshot(frames).simulation_year > 0]
    closing = e.groupby(["simulation_year", "employee_id"]).compensation_amount.last().rename("replayed")
    s = s.merge(closing.reset_index(), on=["simulation_year", "employee_id"], how="left")
    replayed = s.replayed.where(s.replayed.notna(), s.opening_base_pay)
    return broken + list(s.employee_id[s.base_pay != replayed])


def i07_prorated_pay_is_replayed(frames: Frames, effective: Any) -> list[str]:
    s = snapshot(frames)[snapshot(frames).simulation_year > 0].copy()
    first = pd.to_datetime(s.simulation_year.astype(str) + "-01-01")
    last = pd.to_datetime(s.simulation_year.astype(str) + "-12-31")
    s["last_day"] = s.termination_date.fillna(last)
    s["days_in_year"] = (last - first).dt.days + 1
    e = chained(frames).merge(
        s[["simulation_year", "employee_id", "last_day"]], on=["simulation_year", "employee_id"]
    )
    delta = e.compensation_amount - e.previous_compensation.fillna(0)
    e["earned"] = delta * ((e.last_day - pd.to_datetime(e.effective_date)).dt.days + 1)
    raised = e.groupby(["simulation_year", "employee_id"]).earned.sum().reset_index()
    s = s.merge(raised, on=["simulation_year", "employee_id"], how="left")
    started = s.opening_base_pay.fillna(0) * (
        (s.last_day - pd.to_datetime(s.simulation_year.astype(str) + "-01-01")).dt.days + 1
    )
    expected = (started + s.earned.fillna(0)) * s.fte / s.days_in_year
    return list(s.employee_id[(s.prorated_pay - expected).abs() > HALF_A_CENT])


def i08_levels_rise_by_one_and_pay_never_falls(frames: Frames, effective: Any) -> list[str]:
    e = chained(frames)
    drifts = e.event_reason == "DRIFT"  # which no decision makes, and which may lower pay
    step = (e.level_id - e.previous_level_id).where(e.event_type != "HIRE", np.nan)
    wrong = step.notna() & (step != (e.event_type == "PROMOTION"))
    last = e.groupby("employee_id").level_id.shift()
    wrong |= last.notna() & (last != e.previous_level_id)
    s = snapshot(frames).sort_values(["employee_id", "simulation_year"])
    before = s.groupby("employee_id")[["level_id", "base_pay"]].shift()
    rises = e[e.event_type == "PROMOTION"].groupby(["simulation_year", "employee_id"]).size().rename("rises")
    rises = (
        s.merge(rises.reset_index(), on=["simulation_year", "employee_id"], how="left")
        .rises.fillna(0)
        .to_numpy()
    )
    moved = s.level_id - before.level_id
    return [
        *e.event_id[wrong | ((e.compensation_amount < e.previous_compensation) & ~drifts)],
        *s.employee_id[moved.notna() & (moved != rises)],
        *s.employee_id[(s.base_pay < before.base_pay) & ~s.employee_id.isin(e.employee_id[drifts])],
    ]


def i15_bridge_and_budget_sum(frames: Frames, effective: Any) -> list[str]:
    g = frames["fct_compensation_growth"]
    parts = g[[f"bridge_{p}" for p in ("exits", "cola", "drift", "merit", "promotion", "hires")]].sum(
        axis=1, skipna=False
    )
    broken = list(
        g.simulation_year[~((parts - g.growth_all).abs() <= 1e-12) & ~(parts.isna() & g.growth_all.isna())]
    )
    b = frames["fct_budget"].set_index("simulation_year").map(lambda amount: Decimal(f"{amount:.6f}"))
    for year, row in b.iterrows():
        parts = (
            row.cola_cost
            + row.drift_cost
            + row.merit_cost
            + row.promotion_cost
            + row.hire_cost
            - row.exit_savings
        )
        if abs(parts - row.payroll_change) > Decimal("0.0005"):  # the audit compares the decimals themselves
            broken.append(f"budget of {year}")
    payroll = g.set_index("simulation_year").payroll
    for year, before in years_of(effective):
        if abs(float(b.payroll_change[year]) - (payroll[year] - payroll[before])) > 1e-3:
            broken.append(f"payroll of {year}")
    return [str(year) for year in broken]


INVARIANTS: dict[str, Callable[[Frames, Any], list[str]]] = {
    name: check for name, check in sorted(globals().items()) if name[0] == "i" and name[1:3].isdigit()
}


def violations(frames: Frames, effective: Any) -> dict[str, list[str]]:
    """Return what breaks which invariant (the first few); empty when all hold."""
    found = {name: check(frames, effective) for name, check in INVARIANTS.items()}
    return {name: broken[:3] for name, broken in found.items() if broken}
