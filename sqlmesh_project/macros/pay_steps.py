"""The three raises of a year, chained in the order of their effective dates.

Each step reads the step before it and adds what one kind of raise did: the pay it found (`<kind>_previous`,
null when there was no such event), the pay it left (`<kind>_pay`), the rate it applied, and the running pay
(`pay_<n>`). Pay is rounded to cents at each event; the rate is rounded to 6 decimals first, so that an event
replays exactly.
"""

import json

from sqlmesh import macro

PAY = "DECIMAL(14, 2)"
RATE = "DECIMAL(9, 6)"  # pay x rate stays within the 18 digits that engines compute in machine words

# Everybody employed on the COLA date, hires of that very day included.
COLA = """
SELECT s.*,
  CASE WHEN s.cola_due THEN s.pay_{before} END AS cola_previous,
  CASE WHEN s.cola_due THEN s.cola_factor - 1 END AS cola_rate,
  CASE WHEN s.cola_due THEN CAST(ROUND(s.pay_{before} * s.cola_factor, 2) AS {PAY}) END AS cola_pay,
  CASE WHEN s.cola_due THEN CAST(ROUND(s.pay_{before} * s.cola_factor, 2) AS {PAY})
    ELSE s.pay_{before} END AS pay_{after}
FROM {source} AS s
"""

# The raise of the level left, and at least the minimum of the range entered.
PROMOTION = """
SELECT p.*,
  CASE WHEN p.promotion_due THEN p.pay_{before} END AS promotion_previous,
  CASE WHEN NOT p.promotion_due THEN NULL
    WHEN p.promoted_pay > ROUND(p.pay_{before} * p.promotion_factor, 2)
      THEN CAST(CAST(p.promoted_pay AS DOUBLE) / CAST(p.pay_{before} AS DOUBLE) - 1 AS {RATE})
    ELSE p.promotion_factor - 1 END AS promotion_rate,
  CASE WHEN p.promotion_due THEN p.promoted_pay END AS promotion_pay,
  CASE WHEN p.promotion_due THEN p.promoted_pay ELSE p.pay_{before} END AS pay_{after}
FROM (
  SELECT s.*,
    CAST(GREATEST(ROUND(s.pay_{before} * s.promotion_factor, 2), s.range_minimum) AS {PAY}) AS promoted_pay
  FROM {source} AS s
) AS p
"""

# The level's rate x performance x position in range; performance is scaled within the level so that the
# budget stays the level's.
MERIT = """
SELECT m.*,
  CASE WHEN m.merit_due THEN m.pay_{before} END AS merit_previous,
  CASE WHEN NOT m.merit_due THEN NULL
    WHEN m.merited_pay < m.full_merit_pay
      THEN CAST(CAST(m.merited_pay AS DOUBLE) / CAST(m.pay_{before} AS DOUBLE) - 1 AS {RATE})
    ELSE m.merit_applied END AS merit_rate,
  CASE WHEN m.merit_due THEN m.merited_pay END AS merit_pay,
  CASE WHEN m.merit_due THEN m.full_merit_pay - m.merited_pay ELSE 0 END AS lump_sum,
  CASE WHEN m.merit_due THEN m.merited_pay ELSE m.pay_{before} END AS pay_{after}
FROM (
  SELECT f.*, {merited_pay} AS merited_pay
  FROM (
    SELECT r.*,
      CAST(ROUND(r.pay_{before} * CAST(1 + r.merit_applied AS {RATE}), 2) AS {PAY}) AS full_merit_pay
    FROM (
      SELECT s.*,
        CAST({merit_cap_open}s.merit_base * s.performance_multiplier * COALESCE(b.neutral, 0)
          * CASE WHEN s.pay_{before} < s.merit_range_minimum THEN s.below_range
              WHEN s.pay_{before} < s.merit_range_minimum + s.merit_range_quarter THEN s.quartile_1
              WHEN s.pay_{before} < s.merit_range_minimum + 2 * s.merit_range_quarter THEN s.quartile_2
              WHEN s.pay_{before} < s.merit_range_minimum + 3 * s.merit_range_quarter THEN s.quartile_3
              WHEN s.pay_{before} < s.merit_range_maximum THEN s.quartile_4
              ELSE s.above_range END{merit_cap_close} AS {RATE}) AS merit_applied
      FROM {source} AS s
      LEFT JOIN (
        SELECT merit_level_id,
          CAST(SUM(pay_{before}) AS DOUBLE)
            / NULLIF(CAST(SUM(pay_{before} * performance_multiplier) AS DOUBLE), 0) AS neutral
        FROM {source}
        WHERE merit_due
        GROUP BY merit_level_id
      ) AS b ON b.merit_level_id = s.merit_level_id
    ) AS r
  ) AS f
) AS m
"""

STEPS = {"cola": COLA, "promotion": PROMOTION, "merit": MERIT}


@macro()
def raise_step(evaluator, step, source):
    """Return the query of the year's first, second or third raise over the relation before it."""
    order = json.loads(evaluator.var("raise_order"))
    caps = json.loads(evaluator.var("raise_caps"))
    after = int(step.name)
    cap = caps["individual_raise_max"]
    at_range_maximum = f"LEAST(f.full_merit_pay, GREATEST(f.pay_{after - 1}, f.merit_range_maximum))"
    sql = STEPS[order[after - 1]].format(
        before=after - 1,
        after=after,
        source=source.name,
        PAY=PAY,
        RATE=RATE,
        merit_cap_open="" if cap is None else "LEAST(",
        merit_cap_close="" if cap is None else f", {cap})",
        merited_pay=at_range_maximum if caps["range_maximum_cap"] else "f.full_merit_pay",
    )
    return f"({sql})"
