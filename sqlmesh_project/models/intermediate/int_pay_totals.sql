MODEL (
  name intermediate.int_pay_totals,
  kind FULL,
  owner compensation,
  tags (intermediate, pay),
  grain (simulation_year, level_id),
  description 'One row per simulated year and level with employees in it: exact sums over the pay chain, from which the marts compute means and rates.',
  column_descriptions (
    simulation_year = 'Simulated year',
    level_id = 'Level at year end, or at exit',
    headcount = 'Active at year end',
    opening_headcount = 'Employed at the opening',
    stayers = 'Active at both year ends',
    lowest_pay = 'Lowest base pay of those active at year end',
    highest_pay = 'Highest base pay of those active at year end',
    compa_ratio_sum = 'Sum of compa-ratios of those active at year end',
    compa_ratio_squares = 'Sum of their squares',
    market_people = 'Those active at year end whose job title has a market reference',
    market_ratio_sum = 'Sum of their compa-ratios to the market',
    market_places = 'Those of them whose percentile is known',
    market_position_sum = 'Sum of their percentiles',
    closing_sum = 'Base pay of those active at year end',
    opening_sum = 'Opening base pay of those employed at the opening',
    stayers_opening_sum = 'Opening base pay of the stayers',
    stayers_closing_sum = 'Year-end base pay of the stayers',
    stayers_cola = 'What COLA added to the stayers'' base pay',
    stayers_drift = 'What drift added to the stayers'' base pay; below 0 where less than the award came',
    stayers_merit = 'What merit added to the stayers'' base pay',
    stayers_promotion = 'What promotions added to the stayers'' base pay',
    opening_payroll = 'Opening base pay of those employed at the opening, weighted by FTE',
    fte_years = 'FTE-years worked',
    cola_cost = 'What COLA added to the annual pay of incumbents, weighted by FTE',
    drift_cost = 'What drift added to the annual pay of incumbents, weighted by FTE',
    merit_cost = 'What merit added to the annual pay of incumbents, weighted by FTE',
    promotion_cost = 'What promotions added to the annual pay of incumbents, weighted by FTE',
    promoted = 'Promotions into the level',
    promotion_rates = 'Sum of their raises',
    promotion_rate_max = 'Largest of them; null without promotions',
    promoted_below_range = 'Promotions whose pay stayed under the new range''s minimum',
    lump_sum_cost = 'Merit of incumbents paid once at the range maximum, weighted by FTE',
    cola_payroll = 'Pay just before the COLA of the incumbents employed on its date, weighted by FTE',
    merit_payroll = 'Pay just before the merit date of the incumbents employed on it, eligible or not, weighted by FTE',
    cola_cost_days = 'COLA of incumbents x days employed from its date, weighted by FTE',
    merit_cost_days = 'Merit of incumbents x days employed from its date, weighted by FTE',
    exit_savings = 'Pay at exit of the incumbents who left, weighted by FTE',
    raise_min = 'Smallest raise over the year of the stayers',
    raise_max = 'Largest raise over the year of the stayers'
  ),
  audits (
    unique_combination_of_columns(columns := (simulation_year, level_id))
  )
);

WITH pay AS (
  SELECT
    simulation_year,
    level_id,
    is_active,
    is_hire,
    fte,
    starting_pay,
    base_pay,
    range_minimum,
    range_maximum,
    CAST(base_pay AS DOUBLE) / CAST(range_midpoint AS DOUBLE) AS ratio,
    CAST(base_pay AS DOUBLE) / CAST(starting_pay AS DOUBLE) AS raised,
    COALESCE(cola_pay - cola_previous, 0) AS cola,
    COALESCE(drift_pay - drift_previous, 0) AS drift,
    COALESCE(merit_pay - merit_previous, 0) AS merit,
    COALESCE(cola_previous, 0) AS pay_on_cola_date,
    COALESCE(pay_on_merit_date, 0) AS pay_on_merit_date,
    cola_days,
    merit_days,
    COALESCE(promotion_pay - promotion_previous, 0) AS promotion,
    promotion_rate,
    promotion_pay,
    lump_sum,
    prorated_pay,
    fte_years
  FROM intermediate.int_pay
), statuses AS (
  /* first by who stayed, joined and left: a sum over all employees in a status needs no condition per person */
  SELECT
    simulation_year,
    level_id,
    is_active,
    is_hire,
    COUNT(*) AS people,
    MIN(base_pay) AS lowest_pay,
    MAX(base_pay) AS highest_pay,
    SUM(CAST(ratio AS DECIMAL(16, 12))) AS compa_ratio_sum,
    SUM(CAST(POWER(ratio, 2) AS DECIMAL(18, 12))) AS compa_ratio_squares,
    COUNT(CASE WHEN base_pay < range_minimum THEN 1 END) AS below_minimum,
    COUNT(CASE WHEN base_pay >= range_maximum THEN 1 END) AS above_maximum,
    SUM(starting_pay) AS starting_sum,
    SUM(base_pay) AS closing_sum,
    SUM(cola) AS cola,
    SUM(drift) AS drift,
    SUM(merit) AS merit,
    SUM(promotion) AS promotion,
    SUM(starting_pay * fte) AS starting_payroll,
    SUM(base_pay * fte) AS payroll,
    SUM(cola * fte) AS cola_cost,
    SUM(drift * fte) AS drift_cost,
    SUM(merit * fte) AS merit_cost,
    SUM(promotion * fte) AS promotion_cost,
    COUNT(promotion_rate) AS promoted,
    SUM(promotion_rate) AS promotion_rates,
    MAX(promotion_rate) AS promotion_rate_max,
    COUNT(CASE WHEN promotion_pay < range_minimum THEN 1 END) AS promoted_below_range,
    SUM(lump_sum * fte) AS lump_sum_cost,
    SUM(pay_on_cola_date * fte) AS cola_payroll,
    SUM(pay_on_merit_date * fte) AS merit_payroll,
    SUM(cola * fte * cola_days) AS cola_cost_days,
    SUM(merit * fte * merit_days) AS merit_cost_days,
    SUM(prorated_pay) AS prorated_payroll,
    SUM(fte_years) AS fte_years,
    MIN(raised) AS raised_min,
    MAX(raised) AS raised_max
  FROM pay
  GROUP BY
    simulation_year,
    level_id,
    is_active,
    is_hire
), labelled AS (
  SELECT
    *,
    is_active AND NOT is_hire AS stayed
  FROM statuses
), totals AS (
  SELECT
    simulation_year,
    level_id,
    SUM(CASE WHEN is_hire THEN people ELSE 0 END) AS hires,
    SUM(CASE WHEN NOT is_active THEN people ELSE 0 END) AS terminations,
    MIN(CASE WHEN is_active THEN lowest_pay END) AS lowest_pay,
    MAX(CASE WHEN is_active THEN highest_pay END) AS highest_pay,
    SUM(CASE WHEN is_active THEN compa_ratio_sum END) AS compa_ratio_sum,
    SUM(CASE WHEN is_active THEN compa_ratio_squares END) AS compa_ratio_squares,
    SUM(CASE WHEN is_active THEN below_minimum ELSE 0 END) AS below_minimum,
    SUM(CASE WHEN is_active THEN above_maximum ELSE 0 END) AS above_maximum,
    SUM(CASE WHEN is_active THEN people ELSE 0 END) AS headcount,
    SUM(CASE WHEN NOT is_hire THEN people ELSE 0 END) AS opening_headcount,
    SUM(CASE WHEN stayed THEN people ELSE 0 END) AS stayers,
    SUM(CASE WHEN is_active THEN closing_sum END) AS closing_sum,
    SUM(CASE WHEN NOT is_hire THEN starting_sum END) AS opening_sum,
    SUM(CASE WHEN stayed THEN starting_sum END) AS stayers_opening_sum,
    SUM(CASE WHEN stayed THEN closing_sum END) AS stayers_closing_sum,
    SUM(CASE WHEN stayed THEN cola END) AS stayers_cola,
    SUM(CASE WHEN stayed THEN drift END) AS stayers_drift,
    SUM(CASE WHEN stayed THEN merit END) AS stayers_merit,
    SUM(CASE WHEN stayed THEN promotion END) AS stayers_promotion,
    SUM(CASE WHEN is_active THEN payroll ELSE 0 END) AS payroll,
    SUM(CASE WHEN NOT is_hire THEN starting_payroll ELSE 0 END) AS opening_payroll,
    SUM(CASE WHEN NOT is_hire THEN cola_cost ELSE 0 END) AS cola_cost,
    SUM(CASE WHEN NOT is_hire THEN drift_cost ELSE 0 END) AS drift_cost,
    SUM(CASE WHEN NOT is_hire THEN merit_cost ELSE 0 END) AS merit_cost,
    SUM(CASE WHEN NOT is_hire THEN promotion_cost ELSE 0 END) AS promotion_cost,
    SUM(promoted) AS promoted,
    SUM(promotion_rates) AS promotion_rates,
    MAX(promotion_rate_max) AS promotion_rate_max,
    SUM(promoted_below_range) AS promoted_below_range,
    SUM(CASE WHEN NOT is_hire THEN lump_sum_cost ELSE 0 END) AS lump_sum_cost,
    SUM(CASE WHEN NOT is_hire THEN cola_payroll ELSE 0 END) AS cola_payroll,
    SUM(CASE WHEN NOT is_hire THEN merit_payroll ELSE 0 END) AS merit_payroll,
    SUM(CASE WHEN NOT is_hire THEN cola_cost_days ELSE 0 END) AS cola_cost_days,
    SUM(CASE WHEN NOT is_hire THEN merit_cost_days ELSE 0 END) AS merit_cost_days,
    SUM(CASE WHEN is_active AND is_hire THEN payroll ELSE 0 END) AS hire_cost,
    SUM(CASE WHEN NOT is_active AND NOT is_hire THEN payroll ELSE 0 END) AS exit_savings,
    SUM(prorated_payroll) AS prorated_payroll,
    SUM(fte_years) AS fte_years,
    MIN(CASE WHEN stayed THEN raised_min END) - 1 AS raise_min,
    MAX(CASE WHEN stayed THEN raised_max END) - 1 AS raise_max
  FROM labelled
  GROUP BY
    simulation_year,
    level_id
), market AS (
  /* apart from the other sums: no one without a survey */
  SELECT
    simulation_year,
    level_id,
    COUNT(*) AS people,
    SUM(market_ratio) AS ratio_sum,
    COUNT(market_position) AS places,
    SUM(market_position) AS position_sum
  FROM intermediate.int_market
  WHERE
    is_active
  GROUP BY
    simulation_year,
    level_id
), medians AS (
  SELECT
    simulation_year,
    level_id,
    MEDIAN(CAST(base_pay AS DOUBLE)) AS median_base_pay
  FROM intermediate.int_pay
  WHERE
    is_active
  GROUP BY
    simulation_year,
    level_id
)
SELECT
  CAST(totals.simulation_year AS INT) AS simulation_year,
  CAST(totals.level_id AS INT) AS level_id,
  CAST(totals.hires AS BIGINT) AS hires,
  CAST(totals.terminations AS BIGINT) AS terminations,
  CAST(totals.lowest_pay AS DECIMAL(14, 2)) AS lowest_pay,
  CAST(totals.highest_pay AS DECIMAL(14, 2)) AS highest_pay,
  CAST(medians.median_base_pay AS DOUBLE) AS median_base_pay,
  CAST(totals.compa_ratio_sum AS DECIMAL(28, 12)) AS compa_ratio_sum,
  CAST(totals.compa_ratio_squares AS DECIMAL(28, 12)) AS compa_ratio_squares,
  CAST(COALESCE(market.people, 0) AS BIGINT) AS market_people,
  CAST(market.ratio_sum AS DECIMAL(28, 6)) AS market_ratio_sum,
  CAST(COALESCE(market.places, 0) AS BIGINT) AS market_places,
  CAST(market.position_sum AS DECIMAL(28, 4)) AS market_position_sum,
  CAST(totals.below_minimum AS BIGINT) AS below_minimum,
  CAST(totals.above_maximum AS BIGINT) AS above_maximum,
  CAST(totals.headcount AS BIGINT) AS headcount,
  CAST(totals.opening_headcount AS BIGINT) AS opening_headcount,
  CAST(totals.stayers AS BIGINT) AS stayers,
  CAST(totals.closing_sum AS DECIMAL(28, 2)) AS closing_sum,
  CAST(totals.opening_sum AS DECIMAL(28, 2)) AS opening_sum,
  CAST(totals.stayers_opening_sum AS DECIMAL(28, 2)) AS stayers_opening_sum,
  CAST(totals.stayers_closing_sum AS DECIMAL(28, 2)) AS stayers_closing_sum,
  CAST(totals.stayers_cola AS DECIMAL(28, 2)) AS stayers_cola,
  CAST(totals.stayers_drift AS DECIMAL(28, 2)) AS stayers_drift,
  CAST(totals.stayers_merit AS DECIMAL(28, 2)) AS stayers_merit,
  CAST(totals.stayers_promotion AS DECIMAL(28, 2)) AS stayers_promotion,
  CAST(totals.payroll AS DECIMAL(28, 6)) AS payroll,
  CAST(totals.opening_payroll AS DECIMAL(28, 6)) AS opening_payroll,
  CAST(totals.cola_cost AS DECIMAL(28, 6)) AS cola_cost,
  CAST(totals.drift_cost AS DECIMAL(28, 6)) AS drift_cost,
  CAST(totals.merit_cost AS DECIMAL(28, 6)) AS merit_cost,
  CAST(totals.promotion_cost AS DECIMAL(28, 6)) AS promotion_cost,
  CAST(totals.hire_cost AS DECIMAL(28, 6)) AS hire_cost,
  CAST(totals.exit_savings AS DECIMAL(28, 6)) AS exit_savings,
  CAST(totals.promoted AS BIGINT) AS promoted,
  CAST(totals.promotion_rates AS DECIMAL(28, 6)) AS promotion_rates,
  CAST(totals.promotion_rate_max AS DECIMAL(9, 6)) AS promotion_rate_max,
  CAST(totals.promoted_below_range AS BIGINT) AS promoted_below_range,
  CAST(totals.lump_sum_cost AS DECIMAL(28, 6)) AS lump_sum_cost,
  CAST(totals.cola_payroll AS DECIMAL(28, 6)) AS cola_payroll,
  CAST(totals.merit_payroll AS DECIMAL(28, 6)) AS merit_payroll,
  CAST(totals.cola_cost_days AS DECIMAL(28, 6)) AS cola_cost_days,
  CAST(totals.merit_cost_days AS DECIMAL(28, 6)) AS merit_cost_days,
  CAST(totals.prorated_payroll AS DECIMAL(28, 2)) AS prorated_payroll,
  CAST(totals.fte_years AS DECIMAL(28, 8)) AS fte_years,
  CAST(totals.raise_min AS DOUBLE) AS raise_min,
  CAST(totals.raise_max AS DOUBLE) AS raise_max
FROM totals
LEFT JOIN medians
  ON medians.simulation_year = totals.simulation_year AND medians.level_id = totals.level_id
LEFT JOIN market
  ON market.simulation_year = totals.simulation_year AND market.level_id = totals.level_id
