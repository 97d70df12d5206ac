"""Censuses of a handful of people, made in one line each."""

from datetime import date

import pandas as pd

from planwise.calibration.years import YearlyCensus

RANGES = pd.DataFrame(
    {
        "level_id": [1, 2, 3],
        "name": ["L1", "L2", "L3"],
        "minimum": [30_000.0, 50_000.0, 80_000.0],
        "maximum": [50_000.0, 80_000.0, 120_000.0],
    }
)


def person(employee_id, pay, hired="2010-01-01", title="Clerk", level=1, born=None, fte=1.0):
    return {
        "employee_id": employee_id,
        "hire_date": pd.Timestamp(hired),
        "birth_date": pd.Timestamp(born) if born else pd.NaT,
        "base_pay": float(pay),
        "job_title": title,
        "department": "All",
        "level_id": level,
        "fte": fte,
        "gender": None,
        "ethnicity": None,
        "performance_rating": 3,
    }


def census(year, *people, ranges=RANGES, levels_from="file, ranges of the mapping", **facts):
    """Return the census of 31 December of a year."""
    frame = pd.DataFrame(people).set_index("employee_id").sort_index()
    return YearlyCensus(
        name=f"y{year}",
        as_of=date(year, 12, 31),
        people=frame.assign(birth_date=pd.to_datetime(frame["birth_date"])),
        ranges=ranges,
        levels_from=levels_from,
        availability={},
        **facts,
    )
