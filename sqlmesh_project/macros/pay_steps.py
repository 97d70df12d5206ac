"""The three raises of a year, chained in the order of their effective dates.

Each step reads the step before it and adds the pay it leaves (`pay_<n>`, from `pay_<n-1>`; the same when the
raise is not due). What an event was (the pay before, the pay after, the rate) is read off the finished chain,
so that few columns go through it. Pay is rounded to cents at each event; the rate is rounded to 6 decimals
first, so that an event replays exactly.
"""

import json

from sqlmesh import macro

PAY = "DECIMAL(14, 2)"
RATE = "DECIMAL(9, 6)"  # pay x rate stays within the 18 digits that engines compute in machine words

# Everybody employed on the COLA date, hires of that very day included.
COLA = """
SELECT s.*,
  CASE WHEN s.cola_due THEN CAST(ROUND(s.pay_{before} * s.cola_factor, 2) AS {PAY})
    ELSE s.pay_{before} END AS pay_{after}
FROM {source} AS s
"""

# With drift, which follows on the same day; it is due only where the COLA is.
COLA_AND_DRIFT = """
SELECT c.*,
  CAST(COALESCE(ROUND(c.pay_after_cola * CAST(1 + c.drift_rate AS {RATE}), 2), c.pay_after_cola) AS {PAY})
    AS pay_{after}
FROM (
  SELECT s.*,
    CASE WHEN s.cola_due THEN CAST(ROUND(s.pay_{before} * s.cola_factor, 2) AS {PAY})
      ELSE s.pay_{before} END AS pay_after_cola
  FROM {source} AS s
) AS c
"""

# Incumbents who are not promoted in the year draw a donor among people of their group, tenure and level; its
# drift is theirs, shifted by group and level, and in a world by what its group deviates. The draw is one of
# their own.
NO_DRIFT = "SELECT s.*, CAST(NULL AS {RATE}) AS drift_rate FROM {source} AS s"
DRIFT = """
SELECT p.*,
  CASE WHEN p.cola_due AND NOT p.is_hire AND NOT p.promotion_due AND NOT donors.drift IS NULL
    THEN CAST(LEAST(GREATEST(
    donors.drift * COALESCE(LIST_EXTRACT(CAST({factors} AS {RATE}[]), p.drift_group_place), 1)
      + COALESCE(LIST_EXTRACT(CAST({points} AS {RATE}[]), p.drift_group_place), 0) + t.drift_shift
      + COALESCE(m.deviation, 0),
    {lowest}), {highest}) AS {RATE}) END AS drift_rate
FROM (
  SELECT s.*,
    LIST_POSITION(CAST({names} AS TEXT[]), CASE {attribute} WHEN 1 THEN s.department WHEN 2 THEN s.job_family
      WHEN 3 THEN s.location WHEN 4 THEN s.manager_id END) AS drift_group_place,
    COALESCE(own.group_name, '') AS drawn_group,
    COALESCE(own.first_place, rest.first_place)
      + CAST(FLOOR({draw} * COALESCE(own.donors, rest.donors)) AS BIGINT) AS donor_place
  FROM (
    SELECT b.*,
      CASE (SELECT MAX(c.attribute) FROM staging.stg_drift_cells AS c)
        WHEN 'department' THEN b.department WHEN 'job_family' THEN b.job_family
        WHEN 'location' THEN b.location WHEN 'manager_id' THEN b.manager_id END AS drift_group
    FROM {source} AS b
  ) AS s
  LEFT JOIN staging.stg_drift_cells AS own ON own.group_name = s.drift_group
    AND own.tenure_band = s.opening_tenure_band AND own.level_id = s.opening_level_id
  LEFT JOIN staging.stg_drift_cells AS rest ON rest.group_name = ''
    AND rest.tenure_band = s.opening_tenure_band AND rest.level_id = s.opening_level_id
) AS p
INNER JOIN terms AS t ON t.level_id = p.level_id
LEFT JOIN staging.stg_drift_donors AS donors ON donors.place = p.donor_place
LEFT JOIN (
  SELECT g.group_name, CAST({deviation} AS {RATE}) AS deviation
  FROM (SELECT DISTINCT group_name FROM staging.stg_drift_cells) AS g
) AS m ON m.group_name = p.drawn_group
"""
LOWEST_DRIFT, HIGHEST_DRIFT = -0.9, 1

# The raise of the level left; the lift to the minimum of the range entered stops at promotion_raise_max.
PROMOTION = """
SELECT s.*,
  CASE WHEN s.promotion_due
    THEN CAST(GREATEST(ROUND(s.pay_{before} * s.promotion_factor, 2), {lifted_pay}) AS {PAY})
    ELSE s.pay_{before} END AS pay_{after}
FROM {source} AS s
"""

# The level's rate (x the group's factor + its points) x performance x position in range, the last two scaled
# within the level so that the budget stays the level's. Levels and ratings are few: people look their range
# and their row of the matrix up.
MERIT = """
WITH placed AS (
  SELECT s.*, g.range_maximum AS merit_range_maximum,
    CASE WHEN s.pay_{before} < g.range_minimum THEN g.below_range
      WHEN s.pay_{before} < g.range_minimum + g.range_quarter THEN g.quartile_1
      WHEN s.pay_{before} < g.range_minimum + 2 * g.range_quarter THEN g.quartile_2
      WHEN s.pay_{before} < g.range_minimum + 3 * g.range_quarter THEN g.quartile_3
      WHEN s.pay_{before} < g.range_maximum THEN g.quartile_4
      ELSE g.above_range END AS merit_weight
  FROM {source} AS s
  INNER JOIN (
    SELECT t.level_id, x.performance_rating, t.range_minimum, t.range_maximum,
      (t.range_maximum - t.range_minimum) / 4 AS range_quarter,
      {weights}
    FROM terms AS t
    CROSS JOIN staging.stg_merit_matrix AS x
  ) AS g ON g.level_id = s.merit_level_id AND g.performance_rating = s.performance_rating
), scales AS (
  SELECT t.level_id, t.merit_base, CAST(SUM(p.pay_{before}) AS DOUBLE)
    / NULLIF(CAST(SUM(p.pay_{before} * p.merit_weight) AS DOUBLE), 0) AS neutral
  FROM placed AS p
  INNER JOIN terms AS t ON t.level_id = p.merit_level_id
  WHERE p.merit_due
  GROUP BY t.level_id, t.merit_base
)
SELECT f.*,
  CASE WHEN f.merit_due THEN {merited_pay} ELSE f.pay_{before} END AS pay_{after}
FROM (
  SELECT r.*,
    CAST(ROUND(r.pay_{before} * CAST(1 + r.merit_applied AS {RATE}), 2) AS {PAY}) AS full_merit_pay
  FROM (
    SELECT p.*, CAST({merit_rate} AS {RATE}) AS merit_applied
    FROM (
      SELECT s.*, b.neutral,
        GREATEST(COALESCE(b.merit_base, 0) * s.merit_group_factor + s.merit_group_points, 0) AS merit_target
      FROM placed AS s
      LEFT JOIN scales AS b ON b.level_id = s.merit_level_id
    ) AS p
  ) AS r
) AS f
"""

STEPS = {"cola": COLA, "promotion": PROMOTION, "merit": MERIT}
POSITIONS = ("below_range", "quartile_1", "quartile_2", "quartile_3", "quartile_4", "above_range")


@macro()
def raise_step(evaluator, step, source):
    """Return the query of the year's first, second or third raise over the relation before it."""
    order = json.loads(evaluator.var("raise_order"))
    caps = json.loads(evaluator.var("raise_caps"))
    after = int(step.name)
    at_range_maximum = f"LEAST(f.full_merit_pay, GREATEST(f.pay_{after - 1}, f.merit_range_maximum))"

    merit_rate = "p.merit_target * COALESCE(p.neutral, 0) * p.merit_weight"
    if caps["individual_raise_max"] is not None:
        merit_rate = f"LEAST({merit_rate}, {caps['individual_raise_max']})"
    lifted_pay = "s.range_minimum"
    if caps["promotion_raise_max"] is not None:
        lift = f"CAST(1 + {caps['promotion_raise_max']} AS {RATE})"
        lifted_pay = f"LEAST(s.range_minimum, ROUND(s.pay_{after - 1} * {lift}, 2))"
    step_sql = STEPS[order[after - 1]]
    if order[after - 1] == "cola" and evaluator.var("drift"):
        step_sql = COLA_AND_DRIFT
    sql = step_sql.format(
        before=after - 1,
        after=after,
        source=source.name,
        PAY=PAY,
        RATE=RATE,
        weights=", ".join(f"CAST(x.performance_multiplier * x.{p} AS {RATE}) AS {p}" for p in POSITIONS),
        merit_rate=merit_rate,
        lifted_pay=lifted_pay,
        merited_pay=at_range_maximum if caps["range_maximum_cap"] else "f.full_merit_pay",
    )
    return f"({sql})"


@macro()
def drifted(evaluator, source, draw, attribute, names, factors, points, deviation):
    """Return the query that adds `drift_rate` to a relation of the people paid: null where nothing drifts."""
    if not evaluator.var("drift"):
        return f"({NO_DRIFT.format(source=source.name, RATE=RATE)})"
    dialect = evaluator.dialect
    sql = DRIFT.format(
        source=source.name,
        draw=draw.sql(dialect),
        attribute=attribute.sql(dialect),
        names=names.sql(dialect),
        factors=factors.sql(dialect),
        points=points.sql(dialect),
        deviation=deviation.sql(dialect),
        lowest=LOWEST_DRIFT,
        highest=HIGHEST_DRIFT,
        RATE=RATE,
    )
    return f"({sql})"


@macro()
def where_drift(evaluator, expression, without="NULL"):
    """Return an expression that only drift has a value for; without drift another, by default null."""
    return expression if evaluator.var("drift") else without


@macro()
def where_grouped(evaluator, kind, expression, without="NULL"):
    """Return an expression over the groups of `award` or `merit`; another where no year has such groups."""
    grouped = json.loads(evaluator.var("grouped_raises", '["award", "merit"]'))
    return expression if kind.name in grouped else without


@macro()
def group_place(evaluator, attribute, names):
    """Return a person's place in a list of groups; null outside of them.

    The attribute is the number of one of four columns, or 0 without groups.
    """
    dialect = evaluator.dialect
    return (
        f"LIST_POSITION(CAST({names.sql(dialect)} AS TEXT[]), CASE {attribute.sql(dialect)} "
        "WHEN 1 THEN department WHEN 2 THEN job_family WHEN 3 THEN location WHEN 4 THEN manager_id END)"
    )


@macro()
def cola_pay(evaluator):
    """Return the pay after the COLA, before what drifts on the same day."""
    place = json.loads(evaluator.var("raise_order")).index("cola")
    return "pay_after_cola" if evaluator.var("drift") else f"pay_{place + 1}"


@macro()
def opening_tenure_band(evaluator, completed_years):
    """Return the name of the band of tenure at the opening of the year; null without drift."""
    if not evaluator.var("drift"):
        return "NULL"
    years = completed_years.sql(evaluator.dialect)
    bands = json.loads(evaluator.var("tenure_bands"))
    cases = " ".join(f"WHEN {years} < {end} THEN '{name}'" for name, end in bands[:-1])
    return f"CASE {cases} ELSE '{bands[-1][0]}' END"


@macro()
def pay_before(evaluator, kind):
    """Return the column of the pay that a kind of raise finds."""
    return f"pay_{json.loads(evaluator.var('raise_order')).index(kind.name)}"


@macro()
def pay_after(evaluator, kind):
    """Return the column of the pay that a kind of raise leaves."""
    return f"pay_{json.loads(evaluator.var('raise_order')).index(kind.name) + 1}"


@macro()
def days_from(evaluator, kind):
    """Return the sum of the columns of days employed from the date of a kind of raise."""
    first = json.loads(evaluator.var("raise_order")).index(kind.name) + 1
    return " + ".join(f"days_{period}" for period in range(first, len(STEPS) + 1))
