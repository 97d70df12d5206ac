"""What is asked of single people and events: the workforce snapshot, its drift, and the event log."""

from itertools import pairwise
from typing import Any

import pandas as pd

from expectations.drift import population_stability_index
from expectations.frames import has, naming, native
from expectations.rules import Asker, Between, Columns, InSet, Null, Rule, Where, within
from expectations.suites.base import Frames
from expectations.suites.kpis import ABOVE_ZERO, DEFECT, LEVERS
from expectations.thresholds import Thresholds

SNAPSHOT, EVENTS, DRIFT = "fct_workforce_snapshot", "fct_yearly_events", "pay_drift"
ACTIVE = ("continuous_active", "new_hire_active")
STATUSES = (*ACTIVE, "experienced_termination", "new_hire_termination")
EVENT_TYPES = ("HIRE", "TERMINATION", "PROMOTION", "RAISE")
EVENT_REASONS = ("growth", "voluntary", "new_hire", "reduction", "promotion", "COLA", "MERIT")
RATINGS = (1, 2, 3, 4, 5)
SNAPSHOT_REQUIRED = (
    "simulation_year", "employee_id", "employment_status", "level_id", "base_pay", "prorated_pay", "fte",
)  # fmt: skip
SNAPSHOT_COLUMNS = (
    *SNAPSHOT_REQUIRED, "job_title", "department", "gender", "hire_date", "termination_date", "age",
    "tenure_years", "performance_rating", "opening_base_pay", "market_reference", "compa_ratio",
    "range_penetration", "range_minimum", "range_maximum",
)  # fmt: skip
EVENT_REQUIRED = (
    "event_id",
    "employee_id",
    "simulation_year",
    "event_type",
    "event_reason",
    "effective_date",
)
EVENT_COLUMNS = (
    *EVENT_REQUIRED, "event_sequence", "level_id", "previous_level_id", "compensation_amount",
    "previous_compensation", "applied_rate", "probability", "draw",
)  # fmt: skip


def prepare_workforce(frames: Frames, kpis: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Prepare snapshot and events, and derive the drift of active people's pay from year to year.

    `year_population` is the number of snapshot rows of the row's year.
    """
    snapshot, events = native(frames[SNAPSHOT]), native(frames[EVENTS])
    snapshot["missing_values"] = naming(snapshot, SNAPSHOT_REQUIRED)
    if has(snapshot, "simulation_year"):
        snapshot["year_population"] = snapshot.groupby("simulation_year")["simulation_year"].transform("size")
    events["missing_values"] = naming(events, EVENT_REQUIRED)
    if has(events, "simulation_year") and has(kpis, "simulation_year"):
        foreign = ~events["simulation_year"].isin(kpis["simulation_year"])
        events["foreign_year"] = events["simulation_year"].where(foreign)
    return {SNAPSHOT: snapshot, EVENTS: events, DRIFT: pay_drift(snapshot)}


def pay_drift(snapshot: pd.DataFrame) -> pd.DataFrame:
    """One row per simulated year after the first in the frame: psi, and the smaller of the two headcounts."""
    columns = ["simulation_year", "population", "psi"]
    if not has(snapshot, "simulation_year", "employment_status", "base_pay"):
        return pd.DataFrame(columns=columns[:2])
    active = snapshot[snapshot["employment_status"].isin(ACTIVE)]
    grouped: Any = active.groupby("simulation_year")["base_pay"]
    pays = {int(year): group.to_numpy(dtype=float) for year, group in grouped}
    years = sorted(pays)
    rows = [
        (now, min(len(pays[before]), len(pays[now])), population_stability_index(pays[before], pays[now]))
        for before, now in pairwise(years)
    ]
    return pd.DataFrame(rows, columns=columns).astype({"psi": float})


def workforce_rules(limits: Thresholds) -> tuple[Rule, ...]:
    """Declare the rules of the snapshot, its drift and the events."""

    def usual(name: str, table: str, column: str, remedy: str = LEVERS, size: str = "population") -> Rule:
        return within(name, table, column, limits[name], remedy=remedy, size=size)

    snapshot, events = Asker(SNAPSHOT, DEFECT), Asker(EVENTS, DEFECT)
    raised = Where("event_type", values=("RAISE", "PROMOTION"))
    raises = limits["raise_rate_usual"]
    return (
        snapshot("snapshot_columns", "The snapshot has its columns.", Columns(SNAPSHOT_COLUMNS)),
        snapshot("snapshot_values_known", "Every needed value is there.", Null(), "missing_values"),
        snapshot("employment_status_known", "Statuses are the four.", InSet(STATUSES), "employment_status"),
        snapshot("workforce_rating_known", "Ratings are 1 to 5.", InSet(RATINGS), "performance_rating"),
        snapshot("workforce_fte_possible", "FTE is above 0 and at most 1.", Between(0, 1, True), "fte"),
        snapshot("workforce_pay_positive", "Pay is above zero.", ABOVE_ZERO, "base_pay"),
        snapshot("prorated_pay_possible", "Prorated pay is not negative.", Between(0), "prorated_pay"),
        usual("workforce_level_possible", SNAPSHOT, "level_id", DEFECT),
        usual("workforce_pay_usual", SNAPSHOT, "base_pay"),
        usual("workforce_age_usual", SNAPSHOT, "age"),
        usual("workforce_tenure_usual", SNAPSHOT, "tenure_years"),
        usual("compa_ratio_usual", SNAPSHOT, "compa_ratio", size="year_population"),
        usual("pay_drift_usual", DRIFT, "psi"),
        events("event_columns", "The event log has its columns.", Columns(EVENT_COLUMNS)),
        events("event_values_known", "Every needed value is there.", Null(), "missing_values"),
        events("event_type_known", "Event types are the four.", InSet(EVENT_TYPES), "event_type"),
        events("event_reason_known", "Reasons are the seven.", InSet(EVENT_REASONS), "event_reason"),
        events("event_year_simulated", "Events lie in simulated years.", Null(), "foreign_year"),
        events("event_pay_positive", "Pay after an event is above zero.", ABOVE_ZERO, "compensation_amount"),
        within("raise_rate_usual", EVENTS, "applied_rate", raises, remedy=LEVERS, only=raised),
        usual("event_probability_possible", EVENTS, "probability", DEFECT),
        usual("event_draw_possible", EVENTS, "draw", DEFECT),
    )
