MODEL (
  name marts.fct_scenario_kpis,
  kind FULL,
  owner people_analytics,
  tags (marts, results),
  grain simulation_year,
  description 'One row per simulated year: the key figures that studies read.',
  column_descriptions (
    simulation_year = 'Simulated year',
    headcount = 'Active at year end',
    opening_headcount = 'Active at the opening',
    hires = 'Hired in the year, including those who left again',
    terminations = 'All exits of the year',
    experienced_terminations = 'Voluntary exits of people employed at the opening',
    new_hire_terminations = 'Hires of the year who left again',
    reductions = 'Exits made to reach a lower target headcount',
    promotions = 'Promotions in the year',
    increase_rate = 'Increase budget: for COLA and for merit, cost / pay just before it of the incumbents employed on its date, summed; null without incumbents',
    increase_cost = 'Increase budget in money: annualised COLA and merit of incumbents, lump sums included',
    increase_cost_in_year = 'The same as the year sees it: each raise from its date to year end or exit, and the lump sums',
    increase_share_of_opening_payroll = 'increase_cost / payroll of the incumbents at the opening',
    drift_cost = 'Annualised drift of incumbents: what came without a decision, beyond COLA and awards; 0 without a calibration',
    drift_rate = 'drift_cost / payroll of the incumbents at the opening',
    promotion_rate_of_payroll = 'promotion_cost / payroll of the incumbents at the opening',
    promotion_raise_mean = 'Mean raise at promotion, the lift to the range minimum included; null without promotions',
    promotion_raise_largest = 'Largest raise at promotion',
    promoted_below_range = 'Promotions whose pay stayed under the new range''s minimum, because of promotion_raise_max',
    growth_compound = 'Compound annual growth of mean base pay since the census',
    total_cash = 'Year-end payroll with the target bonus of each level',
    employer_cost = 'Total cash with what the employer pays on top of it, by level',
    lump_sum_cost = 'Merit of incumbents paid once at the range maximum',
    within_level_cv = 'Head-weighted mean over levels of the coefficient of variation of base pay',
    adjusted_gap_max = 'Pay equity: the largest adjusted pay gap in absolute value, by gender or, where it can be measured, by ethnicity; null where that by gender cannot be measured',
    adjusted_gap_reason = 'Why adjusted_gap_max is null: no_people, no_groups (neither gender nor ethnicity is known), no_gender, one_group, small_group (fewer than ten), few_comparable',
    median_gap = 'Median base pay of men minus that of women / that of men; > 0 = women earn less; null where it cannot be measured',
    median_gap_reason = 'Why median_gap is null: no_people, no_gender (none is known), one_group (no men or no women), small_group (fewer than ten), no_pay',
    mean_compa_ratio = 'Mean base pay / range midpoint of the active',
    below_minimum = 'Active under the range minimum',
    above_maximum = 'Active at or over the range maximum',
    market_people = 'Active whose job title has a market reference',
    market_share = 'market_people / headcount; null without people',
    mean_market_ratio = 'Their mean compa-ratio to the market: base pay / median of the market for the title; null with a reason',
    mean_market_position = 'Their mean percentile in the market, each from P10 to P90; null where no percentile is known',
    market_reason = 'Why mean_market_ratio is null: no_survey (none is matched with the job titles), no_match (no title of the active is matched), no_people',
    raise_min = 'Smallest raise over the year of those active at both ends',
    raise_max = 'Largest raise over the year of those active at both ends',
    termination_rate = 'experienced_terminations / opening_headcount',
    promotion_rate = 'promotions / opening_headcount',
    turnover_total = 'Turnover, all separations: terminations / mean of opening and closing headcount',
    turnover_voluntary = 'Turnover, voluntary of experienced staff: experienced_terminations / opening_headcount',
    turnover_first_year = 'Turnover, first year: exits within twelve months of the hire / hires; null without hires'
  ),
  audits (unique_values(columns := (
      simulation_year
  )), headcount_balances)
);

WITH growth AS (
  SELECT
    *
  FROM marts.fct_compensation_growth
), census AS (
  SELECT
    mean_base_pay
  FROM growth
  WHERE
    simulation_year = 0
), budget AS (
  SELECT
    *
  FROM marts.fct_budget
), movements AS (
  SELECT
    simulation_year,
    SUM(opening_headcount) AS opening_headcount,
    SUM(hires) AS hires,
    SUM(terminations) AS terminations,
    SUM(experienced_terminations) AS experienced_terminations,
    SUM(new_hire_terminations) AS new_hire_terminations,
    SUM(reductions) AS reductions,
    SUM(first_year_terminations) AS first_year_terminations,
    SUM(promotions) AS promotions
  FROM intermediate.int_workforce_totals
  GROUP BY
    simulation_year
), totals AS (
  SELECT
    simulation_year,
    CAST(SUM(promotion_rates) AS DOUBLE) / NULLIF(SUM(promoted), 0) AS promotion_raise_mean,
    MAX(promotion_rate_max) AS promotion_raise_largest,
    SUM(promoted_below_range) AS promoted_below_range,
    MIN(raise_min) AS raise_min,
    MAX(raise_max) AS raise_max,
    SUM(market_people) AS market_people,
    SUM(market_ratio_sum) AS market_ratio_sum,
    SUM(market_places) AS market_places,
    SUM(market_position_sum) AS market_position_sum
  FROM intermediate.int_pay_totals
  GROUP BY
    simulation_year
), survey AS (
  SELECT
    COUNT(*) AS titles
  FROM staging.stg_market_titles
), pay AS (
  /* one pass; a median of decimals is found sooner than one of doubles, and half a cent needs three places */
  SELECT
    simulation_year,
    gender,
    GROUPING(gender) AS all_genders,
    MEDIAN(CAST(base_pay AS DECIMAL(15, 3))) AS median_base_pay,
    COUNT(*) AS headcount,
    COUNT(ethnicity) AS with_ethnicity
  FROM intermediate.int_pay
  WHERE
    is_active
  GROUP BY
    GROUPING SETS (
      (
        simulation_year
      ),
      (simulation_year, gender)
    )
), groups AS (
  SELECT
    simulation_year,
    MAX(CASE WHEN all_genders = 1 THEN CAST(median_base_pay AS DOUBLE) END) AS median_base_pay,
    MAX(CASE WHEN gender = 'M' THEN CAST(median_base_pay AS DOUBLE) END) AS median_of_men,
    MAX(CASE WHEN gender = 'F' THEN CAST(median_base_pay AS DOUBLE) END) AS median_of_women,
    SUM(CASE WHEN gender = 'M' THEN headcount ELSE 0 END) AS men,
    SUM(CASE WHEN gender = 'F' THEN headcount ELSE 0 END) AS women,
    COUNT(gender) AS genders,
    MAX(with_ethnicity) AS with_ethnicity
  FROM pay
  GROUP BY
    simulation_year
), levels AS (
  SELECT
    simulation_year,
    SUM(CAST(headcount * cv AS DECIMAL(28, 10))) AS cv_sum,
    SUM(CAST(headcount * mean_compa_ratio AS DECIMAL(28, 10))) AS compa_ratio_sum,
    SUM(headcount) AS headcount,
    SUM(below_minimum) AS below_minimum,
    SUM(above_maximum) AS above_maximum
  FROM marts.fct_level_summary
  GROUP BY
    simulation_year
), equity AS (
  SELECT
    simulation_year,
    MAX(ABS(adjusted_gap)) AS adjusted_gap_max,
    MAX(CASE WHEN attribute = 'gender' THEN ABS(adjusted_gap) END) AS gender_gap,
    MAX(CASE WHEN attribute = 'gender' AND "group" IN ('F', 'M') THEN ABS(adjusted_gap) END) AS gap_of_women_and_men,
    MAX(CASE WHEN attribute = 'gender' AND adjusted_gap_reason = 'few_comparable' THEN 1 ELSE 0 END) AS few_comparable
  FROM marts.fct_pay_equity
  GROUP BY
    simulation_year
), gaps AS (
  SELECT
    groups.simulation_year,
    groups.median_base_pay,
    equity.adjusted_gap_max,
    groups.median_of_men,
    groups.median_of_women,
    CASE
      WHEN groups.genders = 0
      THEN 'no_gender'
      WHEN groups.men = 0 OR groups.women = 0
      THEN 'one_group'
      WHEN groups.men < 10 OR groups.women < 10
      THEN 'small_group'
      WHEN groups.median_of_men = 0
      THEN 'no_pay'
    END AS median_gap_reason,
    CASE
      WHEN NOT CASE
        WHEN groups.men > 0 AND groups.women > 0
        THEN equity.gap_of_women_and_men
        ELSE equity.gender_gap
      END IS NULL
      THEN NULL
      WHEN groups.genders = 0 AND groups.with_ethnicity = 0
      THEN 'no_groups'
      WHEN groups.genders = 0
      THEN 'no_gender'
      WHEN groups.genders < 2
      THEN 'one_group'
      WHEN equity.few_comparable = 1
      THEN 'few_comparable'
      ELSE 'small_group'
    END AS adjusted_gap_reason
  FROM groups
  LEFT JOIN equity
    ON equity.simulation_year = groups.simulation_year
)
SELECT
  CAST(growth.simulation_year AS INT) AS simulation_year,
  CAST(growth.headcount AS BIGINT) AS headcount,
  CAST(COALESCE(movements.opening_headcount, 0) AS BIGINT) AS opening_headcount,
  CAST(COALESCE(movements.hires, 0) AS BIGINT) AS hires,
  CAST(COALESCE(movements.terminations, 0) AS BIGINT) AS terminations,
  CAST(COALESCE(movements.experienced_terminations, 0) AS BIGINT) AS experienced_terminations,
  CAST(COALESCE(movements.new_hire_terminations, 0) AS BIGINT) AS new_hire_terminations,
  CAST(COALESCE(movements.reductions, 0) AS BIGINT) AS reductions,
  CAST(COALESCE(movements.promotions, 0) AS BIGINT) AS promotions,
  CAST(growth.mean_base_pay AS DOUBLE) AS mean_base_pay,
  CAST(gaps.median_base_pay AS DOUBLE) AS median_base_pay,
  CAST(growth.payroll AS DECIMAL(28, 6)) AS payroll,
  CAST(growth.prorated_payroll AS DECIMAL(28, 2)) AS prorated_payroll,
  CAST(growth.growth_all AS DOUBLE) AS growth_all,
  CAST(growth.growth_continuing AS DOUBLE) AS growth_continuing,
  CAST(growth.growth_prorated AS DOUBLE) AS growth_prorated,
  CAST((
    POWER(
      growth.mean_base_pay / census.mean_base_pay,
      1.0 / (
        ROW_NUMBER() OVER (ORDER BY growth.simulation_year)
      )
    ) - 1
  ) AS DOUBLE) AS growth_compound,
  CAST(growth.bridge_exits AS DOUBLE) AS bridge_exits,
  CAST(growth.bridge_cola AS DOUBLE) AS bridge_cola,
  CAST(growth.bridge_drift AS DOUBLE) AS bridge_drift,
  CAST(growth.bridge_merit AS DOUBLE) AS bridge_merit,
  CAST(growth.bridge_promotion AS DOUBLE) AS bridge_promotion,
  CAST(growth.bridge_hires AS DOUBLE) AS bridge_hires,
  CAST(budget.cola_cost AS DECIMAL(28, 6)) AS cola_cost,
  CAST(budget.drift_cost AS DECIMAL(28, 6)) AS drift_cost,
  CAST(budget.drift_rate AS DOUBLE) AS drift_rate,
  CAST(budget.merit_cost AS DECIMAL(28, 6)) AS merit_cost,
  CAST(budget.promotion_cost AS DECIMAL(28, 6)) AS promotion_cost,
  CAST(budget.hire_cost AS DECIMAL(28, 6)) AS hire_cost,
  CAST(budget.exit_savings AS DECIMAL(28, 6)) AS exit_savings,
  CAST(budget.payroll_change AS DECIMAL(28, 6)) AS payroll_change,
  CAST(budget.increase_rate AS DOUBLE) AS increase_rate,
  CAST(budget.increase_cost AS DECIMAL(28, 6)) AS increase_cost,
  CAST(budget.increase_cost_in_year AS DECIMAL(28, 6)) AS increase_cost_in_year,
  CAST(budget.increase_share_of_opening_payroll AS DOUBLE) AS increase_share_of_opening_payroll,
  CAST(budget.total_cash AS DECIMAL(28, 6)) AS total_cash,
  CAST(budget.employer_cost AS DECIMAL(28, 6)) AS employer_cost,
  CAST(budget.lump_sum_cost AS DECIMAL(28, 6)) AS lump_sum_cost,
  CAST(budget.promotion_rate_of_payroll AS DOUBLE) AS promotion_rate_of_payroll,
  CAST(totals.promotion_raise_mean AS DOUBLE) AS promotion_raise_mean,
  CAST(totals.promotion_raise_largest AS DOUBLE) AS promotion_raise_largest,
  CAST(COALESCE(totals.promoted_below_range, 0) AS BIGINT) AS promoted_below_range,
  CAST((
    CAST(levels.cv_sum AS DOUBLE) / NULLIF(levels.headcount, 0)
  ) AS DOUBLE) AS within_level_cv,
  CAST(CASE WHEN gaps.adjusted_gap_reason IS NULL THEN gaps.adjusted_gap_max END AS DOUBLE) AS adjusted_gap_max,
  CAST(CASE WHEN gaps.simulation_year IS NULL THEN 'no_people' ELSE gaps.adjusted_gap_reason END AS TEXT) AS adjusted_gap_reason,
  CAST(CASE
    WHEN gaps.median_gap_reason IS NULL
    THEN (
      gaps.median_of_men - gaps.median_of_women
    ) / gaps.median_of_men
  END AS DOUBLE) AS median_gap,
  CAST(CASE WHEN gaps.simulation_year IS NULL THEN 'no_people' ELSE gaps.median_gap_reason END AS TEXT) AS median_gap_reason,
  CAST((
    CAST(levels.compa_ratio_sum AS DOUBLE) / NULLIF(levels.headcount, 0)
  ) AS DOUBLE) AS mean_compa_ratio,
  CAST(COALESCE(levels.below_minimum, 0) AS BIGINT) AS below_minimum,
  CAST(COALESCE(levels.above_maximum, 0) AS BIGINT) AS above_maximum,
  CAST(COALESCE(totals.market_people, 0) AS BIGINT) AS market_people,
  CAST((
    CAST(totals.market_people AS DOUBLE) / NULLIF(growth.headcount, 0)
  ) AS DOUBLE) AS market_share,
  CAST((
    CAST(totals.market_ratio_sum AS DOUBLE) / NULLIF(totals.market_people, 0)
  ) AS DOUBLE) AS mean_market_ratio,
  CAST((
    CAST(totals.market_position_sum AS DOUBLE) / NULLIF(totals.market_places, 0)
  ) AS DOUBLE) AS mean_market_position,
  CAST(CASE
    WHEN survey.titles = 0
    THEN 'no_survey'
    WHEN growth.headcount = 0
    THEN 'no_people'
    WHEN COALESCE(totals.market_people, 0) = 0
    THEN 'no_match'
  END AS TEXT) AS market_reason,
  CAST(totals.raise_min AS DOUBLE) AS raise_min,
  CAST(totals.raise_max AS DOUBLE) AS raise_max,
  CAST((
    CAST(movements.experienced_terminations AS DOUBLE) / NULLIF(movements.opening_headcount, 0)
  ) AS DOUBLE) AS termination_rate,
  CAST((
    CAST(movements.promotions AS DOUBLE) / NULLIF(movements.opening_headcount, 0)
  ) AS DOUBLE) AS promotion_rate,
  CAST((
    CAST(2 * movements.terminations AS DOUBLE) / NULLIF(movements.opening_headcount + growth.headcount, 0)
  ) AS DOUBLE) AS turnover_total,
  CAST((
    CAST(movements.experienced_terminations AS DOUBLE) / NULLIF(movements.opening_headcount, 0)
  ) AS DOUBLE) AS turnover_voluntary,
  CAST((
    CAST(movements.first_year_terminations AS DOUBLE) / NULLIF(movements.hires, 0)
  ) AS DOUBLE) AS turnover_first_year
FROM growth
CROSS JOIN census
CROSS JOIN survey
INNER JOIN budget
  ON budget.simulation_year = growth.simulation_year
LEFT JOIN movements
  ON movements.simulation_year = growth.simulation_year
LEFT JOIN totals
  ON totals.simulation_year = growth.simulation_year
LEFT JOIN levels
  ON levels.simulation_year = growth.simulation_year
LEFT JOIN gaps
  ON gaps.simulation_year = growth.simulation_year
