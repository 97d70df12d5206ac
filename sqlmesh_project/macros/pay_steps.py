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
    sql = STEPS[order[after - 1]].format(
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
