"""What a plan's raises are made of: groups with their budget, cells of the merit matrix, pay ranges."""

from sqlglot import exp, parse_one

COLUMNS = (
    *("part", "simulation_year", "attribute", "member", "position", "people", "opening_payroll"),
    *("increase_rate", "increase_cost", "merit_pool", "merit_spent", "promotions"),
    *("raise_mean", "raise_low", "raise_high", "below", "at_or_over", "minimum", "midpoint", "maximum"),
    *("market_people", "market_pay", "market_reference", "market_ratio", "market_position", "market_reason"),
)
"""One row per year and thing; `part` says of what, and which columns are filled.

group: an attribute's group of incumbents, as fct_increase_budget has it; raises are those of promotions, and
`below` counts the promoted under their new range's minimum.
cell: incumbents eligible for merit by level (attribute; `all`), rating (member) and position in the range
just before the raise; raises are merit with lump sums as a rate, mean and 10th and 90th percentile.
range: active people by level (member) at year end against the year's range.
market: active people at year end, all, by level or by job title (attribute), in the market of their titles;
without a survey all only.
"""
PAY_READ = (
    *("fte", "starting_pay", "cola_previous", "cola_pay", "cola_days", "drift_previous", "drift_pay"),
    *("promotion_previous", "promotion_rate", "promotion_pay"),
    *("pay_on_merit_date", "merit_previous", "merit_target_rate", "merit_pay", "merit_days", "lump_sum"),
    *("range_minimum", "range_midpoint", "range_maximum", "market_title_id"),
)
"""Columns of int_pay that it, the increase budget and the market read, beside those of `Preview.pay`."""
DETAIL = '"planwise"."main"."plan_detail"'
_SQL = """
WITH pay AS (
  SELECT pay.*, workforce.performance_rating, workforce.job_title,
    CASE
      WHEN workforce.promotion_date <= CAST(CAST(pay.simulation_year AS TEXT) || '-{merit_date}' AS DATE)
      THEN workforce.level_id
      ELSE COALESCE(workforce.opening_level_id, workforce.level_id)
    END AS merit_level_id
  FROM planwise.intermediate.int_pay AS pay
  INNER JOIN planwise.intermediate.int_workforce AS workforce
    ON workforce.simulation_year = pay.simulation_year AND workforce.employee_id = pay.employee_id
), ranges AS (
  SELECT simulation_year, level_id, MAX(range_minimum) AS minimum, MAX(range_midpoint) AS midpoint,
    MAX(range_maximum) AS maximum, COUNT(CASE WHEN is_active THEN 1 END) AS people,
    COUNT(CASE WHEN is_active AND base_pay < range_minimum THEN 1 END) AS below,
    COUNT(CASE WHEN is_active AND base_pay >= range_maximum THEN 1 END) AS at_or_over
  FROM pay
  GROUP BY simulation_year, level_id
), placed AS (
  SELECT pay.simulation_year, pay.merit_level_id, pay.performance_rating, pay.fte,
    CASE WHEN pay.merit_previous < ranges.minimum THEN 0
      WHEN pay.merit_previous < ranges.minimum + (ranges.maximum - ranges.minimum) / 4 THEN 1
      WHEN pay.merit_previous < ranges.minimum + 2 * ((ranges.maximum - ranges.minimum) / 4) THEN 2
      WHEN pay.merit_previous < ranges.minimum + 3 * ((ranges.maximum - ranges.minimum) / 4) THEN 3
      WHEN pay.merit_previous < ranges.maximum THEN 4
      ELSE 5 END AS place,
    pay.merit_previous * pay.fte * pay.merit_target_rate AS pool,
    (pay.merit_pay - pay.merit_previous + pay.lump_sum) * pay.fte AS spent,
    CAST(pay.merit_pay - pay.merit_previous + pay.lump_sum AS DOUBLE)
      / CAST(pay.merit_previous AS DOUBLE) AS raised
  FROM pay
  INNER JOIN ranges ON ranges.simulation_year = pay.simulation_year AND ranges.level_id = pay.merit_level_id
  WHERE NOT pay.is_hire AND NOT pay.merit_pay IS NULL
), cells AS (
  SELECT simulation_year, merit_level_id, performance_rating, place, COUNT(*) AS people, SUM(pool) AS pool,
    SUM(spent) AS spent, AVG(raised) AS raise_mean, QUANTILE_CONT(raised, 0.1) AS raise_low,
    QUANTILE_CONT(raised, 0.9) AS raise_high
  FROM placed
  GROUP BY GROUPING SETS (
    (simulation_year, performance_rating, place), (simulation_year, merit_level_id, performance_rating, place)
  )
)
SELECT 'group' AS part, simulation_year, attribute, "group" AS member, CAST(NULL AS INT) AS position,
  headcount AS people, opening_payroll, increase_rate, increase_cost, merit_pool,
  merit_cost + lump_sum_cost AS merit_spent, promotions, promotion_raise_mean AS raise_mean,
  CAST(NULL AS DOUBLE) AS raise_low, promotion_raise_largest AS raise_high, promoted_below_range AS below,
  CAST(NULL AS BIGINT) AS at_or_over, CAST(NULL AS DOUBLE) AS minimum, CAST(NULL AS DOUBLE) AS midpoint,
  CAST(NULL AS DOUBLE) AS maximum, CAST(NULL AS BIGINT) AS market_people, CAST(NULL AS DOUBLE) AS market_pay,
  CAST(NULL AS DOUBLE) AS market_reference, CAST(NULL AS DOUBLE) AS market_ratio,
  CAST(NULL AS DOUBLE) AS market_position, CAST(NULL AS TEXT) AS market_reason
FROM planwise.marts.fct_increase_budget
UNION ALL
SELECT 'cell', simulation_year, COALESCE(CAST(merit_level_id AS TEXT), 'all'),
  CAST(performance_rating AS TEXT), place, people, NULL, NULL, NULL, pool, spent, NULL,
  raise_mean, raise_low, raise_high, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM cells
UNION ALL
SELECT 'range', simulation_year, 'level', CAST(level_id AS TEXT), NULL, people, NULL, NULL, NULL, NULL, NULL,
  NULL, NULL, NULL, NULL, below, at_or_over, minimum, midpoint, maximum, NULL, NULL, NULL, NULL, NULL, NULL
FROM ranges
"""
_MARKET = """
UNION ALL
SELECT 'market', market.simulation_year, market.attribute, market.member, NULL, market.people, NULL, NULL,
  NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, market.market_people,
  market.market_pay, market.market_reference, market.market_ratio, market.market_position,
  CASE WHEN market.market_people > 0 THEN NULL
    WHEN market.attribute = 'job_title' THEN COALESCE(titles.market_reason, 'unmatched')
    ELSE 'no_match' END
FROM (
  SELECT pay.simulation_year, CASE WHEN GROUPING(pay.level_id) = 0 THEN 'level'
      WHEN GROUPING(pay.job_title) = 0 THEN 'job_title' ELSE 'all' END AS attribute,
    COALESCE(CAST(pay.level_id AS TEXT), pay.job_title, 'all') AS member, COUNT(*) AS people,
    COUNT(placed.market_ratio) AS market_people,
    AVG(CASE WHEN NOT placed.market_ratio IS NULL THEN CAST(pay.base_pay AS DOUBLE) END) AS market_pay,
    AVG(CAST(placed.market_reference AS DOUBLE)) AS market_reference,
    AVG(CAST(placed.market_ratio AS DOUBLE)) AS market_ratio,
    AVG(CAST(placed.market_position AS DOUBLE)) AS market_position
  FROM pay
  LEFT JOIN planwise.intermediate.int_market AS placed
    ON placed.simulation_year = pay.simulation_year AND placed.employee_id = pay.employee_id
  WHERE pay.is_active
  GROUP BY GROUPING SETS (
    (pay.simulation_year), (pay.simulation_year, pay.level_id), (pay.simulation_year, pay.job_title)
  )
) AS market
LEFT JOIN planwise.staging.stg_market_titles AS titles
  ON market.attribute = 'job_title' AND titles.job_title = market.member
"""
_NO_SURVEY = """
UNION ALL
SELECT 'market', simulation_year, 'all', 'all', NULL, COUNT(*), NULL, NULL, NULL, NULL, NULL, NULL, NULL,
  NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, 'no_survey'
FROM pay
WHERE is_active
GROUP BY simulation_year
"""


def detail_query(merit_date: str, *, has_survey: bool) -> exp.Query:
    """Return the query of COLUMNS over the models of pay, the increase budget and the market."""
    text = _SQL + (_MARKET if has_survey else _NO_SURVEY)
    query = parse_one(text.format(merit_date=merit_date), dialect="duckdb")
    assert isinstance(query, exp.Query)
    return query
