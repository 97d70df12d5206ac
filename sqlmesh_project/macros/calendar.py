"""Calendar arithmetic in portable SQL."""

from sqlmesh import macro

DAYS_PER_YEAR = 365.25
TENURE_BAND_STARTS = (
    1,
    3,
    6,
    11,
)  # years at which the 2nd to the 5th band begin, as in the published turnover


@macro()
def completed_years(evaluator, since, until):
    """Return whole calendar years from one date to a later one (29 February counts from 1 March)."""
    a, b = (f"CAST({e.sql(evaluator.dialect)} AS DATE)" for e in (since, until))

    def day(d):
        return f"EXTRACT(MONTH FROM {d}) * 100 + EXTRACT(DAY FROM {d})"

    return (
        f"CAST(EXTRACT(YEAR FROM {b}) - EXTRACT(YEAR FROM {a})"
        f" - CASE WHEN {day(b)} < {day(a)} THEN 1 ELSE 0 END AS INTEGER)"
    )


@macro()
def years_between(evaluator, since, until):
    """Return the years from one date to a later one: days over 365.25, rounded to 4 decimals."""
    a, b = (f"CAST({e.sql(evaluator.dialect)} AS DATE)" for e in (since, until))
    return f"ROUND(CAST({b} - {a} AS DOUBLE) / {DAYS_PER_YEAR}, 4)"


@macro()
def tenure_band(evaluator, since, until):
    """Return the band of tenure, 1 (under a year) to 5 (over ten years), that pay equity compares within."""
    a, b = (f"CAST({e.sql(evaluator.dialect)} AS DATE)" for e in (since, until))
    cases = " ".join(
        f"WHEN {b} - {a} < {start} * {DAYS_PER_YEAR} THEN {band}"
        for band, start in enumerate(TENURE_BAND_STARTS, start=1)
    )
    return f"CASE {cases} ELSE {len(TENURE_BAND_STARTS) + 1} END"


@macro()
def days_employed(evaluator, first_day, last_day, since, until):
    """Return the days of an employment, both ends included, in [since, until); null until = open."""
    sql = evaluator.dialect
    first, last, start = first_day.sql(sql), last_day.sql(sql), f"CAST({since.sql(sql)} AS DATE)"
    end = f"{last} + 1"
    if until.sql(sql).upper() != "NULL":
        end = f"LEAST({end}, CAST({until.sql(sql)} AS DATE))"
    return f"CAST(GREATEST({end} - GREATEST({first}, {start}), 0) AS SMALLINT)"
