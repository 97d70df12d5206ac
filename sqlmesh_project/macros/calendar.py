"""Calendar arithmetic in portable SQL."""

from sqlmesh import macro


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
    return f"ROUND(CAST({b} - {a} AS DOUBLE) / 365.25, 4)"


@macro()
def days_employed(evaluator, first_day, last_day, since, until):
    """Return the days of an employment, both ends included, in [since, until); null until = open."""
    sql = evaluator.dialect
    first, last, start = first_day.sql(sql), last_day.sql(sql), f"CAST({since.sql(sql)} AS DATE)"
    end = f"{last} + 1"
    if until.sql(sql).upper() != "NULL":
        end = f"LEAST({end}, CAST({until.sql(sql)} AS DATE))"
    return f"CAST(GREATEST({end} - GREATEST({first}, {start}), 0) AS SMALLINT)"
