MODEL (
  name intermediate.int_pay_@year,
  kind FULL,
  blueprints @pay_years(),
  grain employee_id,
  description 'One row per person employed in the year: the pay chain, from opening or hire to year end or exit.',
  column_descriptions (
    simulation_year = 'Simulated year',
    starting_pay = 'Annual base pay at the opening, or at hire',
    cola_previous = 'Pay before the COLA; null when there was none',
    cola_rate = 'Rate applied',
    cola_pay = 'Pay after the COLA',
    promotion_previous = 'Pay before the promotion; null when there was none',
    promotion_rate = 'Rate applied, after the floor at the range minimum',
    promotion_pay = 'Pay after the promotion',
    merit_previous = 'Pay before the merit raise; null when not eligible',
    merit_rate = 'Rate applied, after caps',
    merit_pay = 'Pay after the merit raise',
    base_pay = 'Annual base pay at year end, or at exit',
    lump_sum = 'Merit paid once instead of as base pay, at the range maximum (full-time)',
    prorated_pay = 'Pay earned in the year: period pay x days / days in year x FTE',
    fte_years = 'FTE x days employed / days in year',
    market_reference = 'Market reference pay of the level, moved to the year',
    range_minimum = 'Minimum of the level''s range in the year',
    range_midpoint = 'Midpoint of the level''s range in the year',
    range_maximum = 'Maximum of the level''s range in the year'
  )
);

WITH workforce AS (
  SELECT
    *
  FROM intermediate.int_workforce_@year
), opening_pay AS (
  SELECT
    employee_id,
    base_pay
  FROM intermediate.@opening_pay
), ranges AS (
  SELECT
    levels.level_id,
    CAST(ROUND(CAST(levels.minimum AS DECIMAL(22, 2)) * CAST(@range_index AS DECIMAL(14, 8)), 2) AS DECIMAL(14, 2)) AS range_minimum,
    CAST(ROUND(CAST(levels.midpoint AS DECIMAL(22, 2)) * CAST(@range_index AS DECIMAL(14, 8)), 2) AS DECIMAL(14, 2)) AS range_midpoint,
    CAST(ROUND(CAST(levels.maximum AS DECIMAL(22, 2)) * CAST(@range_index AS DECIMAL(14, 8)), 2) AS DECIMAL(14, 2)) AS range_maximum,
    CAST(ROUND(CAST(market.market_reference AS DECIMAL(22, 2)) * CAST(@market_index AS DECIMAL(14, 8)), 2) AS DECIMAL(14, 2)) AS market_reference,
    CAST(levels.minimum AS DOUBLE) AS census_minimum,
    CAST(levels.maximum - levels.minimum AS DOUBLE) AS census_width,
    CASE levels.level_id
      WHEN 1
      THEN CAST(@merit_rate_level_1 AS DECIMAL(9, 6))
      WHEN 2
      THEN CAST(@merit_rate_level_2 AS DECIMAL(9, 6))
      WHEN 3
      THEN CAST(@merit_rate_level_3 AS DECIMAL(9, 6))
      WHEN 4
      THEN CAST(@merit_rate_level_4 AS DECIMAL(9, 6))
      ELSE CAST(@merit_rate_level_5 AS DECIMAL(9, 6))
    END AS merit_base,
    CASE levels.level_id
      WHEN 1
      THEN CAST(1 + CAST(@promotion_raise_level_1 AS DECIMAL(9, 6)) AS DECIMAL(9, 6))
      WHEN 2
      THEN CAST(1 + CAST(@promotion_raise_level_2 AS DECIMAL(9, 6)) AS DECIMAL(9, 6))
      WHEN 3
      THEN CAST(1 + CAST(@promotion_raise_level_3 AS DECIMAL(9, 6)) AS DECIMAL(9, 6))
      ELSE CAST(1 + CAST(@promotion_raise_level_4 AS DECIMAL(9, 6)) AS DECIMAL(9, 6))
    END AS promotion_factor
  FROM staging.stg_job_levels AS levels
  INNER JOIN staging.stg_market_reference AS market
    ON market.level_id = levels.level_id
), started AS (
  SELECT
    workforce.employee_id,
    workforce.is_hire,
    workforce.is_active,
    workforce.level_id,
    workforce.fte,
    GREATEST(workforce.hire_date, CAST(@year_start AS DATE)) AS first_day,
    COALESCE(workforce.termination_date, CAST(@year_end AS DATE)) AS last_day,
    CAST(
      CASE
        WHEN workforce.is_hire
        THEN ROUND(
          (
            ranges.census_minimum + ranges.census_width * CAST(LEAST(
              GREATEST(
                CAST(@hire_range_position AS DOUBLE) + (
                  2 * workforce.range_position_draw - 1
                ) * CAST(@hire_range_spread AS DOUBLE),
                0
              ),
              1
            )  AS DOUBLE)
          ) * CAST(@new_hire_salary_adjustment AS DOUBLE) * CAST(@market_index AS DOUBLE),
          2
        )
        ELSE opening_pay.base_pay
      END AS DECIMAL(14, 2)
    ) AS pay_0,
    CAST(1 + CAST(@cola_rate AS DECIMAL(9, 6)) AS DECIMAL(9, 6)) AS cola_factor,
    left_level.promotion_factor,
    merit_level.level_id AS merit_level_id,
    merit_level.merit_base,
    merit_level.range_minimum AS merit_range_minimum,
    merit_level.range_maximum AS merit_range_maximum,
    (
      merit_level.range_maximum - merit_level.range_minimum
    ) / 4 AS merit_range_quarter,
    matrix.performance_multiplier,
    matrix.below_range,
    matrix.quartile_1,
    matrix.quartile_2,
    matrix.quartile_3,
    matrix.quartile_4,
    matrix.above_range,
    ranges.range_minimum,
    ranges.range_midpoint,
    ranges.range_maximum,
    ranges.market_reference,
    workforce.hire_date <= CAST(@cola_date AS DATE)
    AND (
      workforce.termination_date IS NULL OR workforce.termination_date >= CAST(@cola_date AS DATE)
    ) AS cola_due,
    NOT workforce.promotion_date IS NULL AS promotion_due,
    workforce.hire_date <= CAST(@merit_hired_by AS DATE)
    AND (
      workforce.termination_date IS NULL OR workforce.termination_date >= CAST(@merit_date AS DATE)
    ) AS merit_due
  FROM workforce
  INNER JOIN ranges
    ON ranges.level_id = workforce.level_id
  INNER JOIN ranges AS left_level
    ON left_level.level_id = COALESCE(workforce.opening_level_id, workforce.level_id)
  INNER JOIN ranges AS merit_level
    ON merit_level.level_id = CASE
      WHEN CAST(@promotion_date AS DATE) <= CAST(@merit_date AS DATE)
      THEN workforce.level_id
      ELSE COALESCE(workforce.opening_level_id, workforce.level_id)
    END
  INNER JOIN staging.stg_merit_matrix AS matrix
    ON matrix.performance_rating = workforce.performance_rating
  LEFT JOIN opening_pay
    ON opening_pay.employee_id = workforce.employee_id
), first_raise AS (
  SELECT
    *
  FROM @raise_step(1, started) AS step
), second_raise AS (
  SELECT
    *
  FROM @raise_step(2, first_raise) AS step
), third_raise AS (
  SELECT
    *
  FROM @raise_step(3, second_raise) AS step
), earned AS (
  SELECT
    *,
    @days_employed(first_day, last_day, @year_start, @first_raise_date) * pay_0
    + @days_employed(first_day, last_day, @first_raise_date, @second_raise_date) * pay_1
    + @days_employed(first_day, last_day, @second_raise_date, @third_raise_date) * pay_2
    + @days_employed(first_day, last_day, @third_raise_date, NULL) * pay_3 AS pay_days
  FROM third_raise
)
SELECT
  @year::INT AS simulation_year,
  employee_id::TEXT AS employee_id,
  is_hire::BOOLEAN AS is_hire,
  is_active::BOOLEAN AS is_active,
  level_id::INT AS level_id,
  fte::DECIMAL(5, 4) AS fte,
  pay_0::DECIMAL(14, 2) AS starting_pay,
  cola_previous::DECIMAL(14, 2) AS cola_previous,
  cola_rate::DECIMAL(9, 6) AS cola_rate,
  cola_pay::DECIMAL(14, 2) AS cola_pay,
  promotion_previous::DECIMAL(14, 2) AS promotion_previous,
  promotion_rate::DECIMAL(9, 6) AS promotion_rate,
  promotion_pay::DECIMAL(14, 2) AS promotion_pay,
  merit_previous::DECIMAL(14, 2) AS merit_previous,
  merit_rate::DECIMAL(9, 6) AS merit_rate,
  merit_pay::DECIMAL(14, 2) AS merit_pay,
  pay_3::DECIMAL(14, 2) AS base_pay,
  lump_sum::DECIMAL(14, 2) AS lump_sum,
  ROUND(CAST(pay_days AS DOUBLE) * CAST(fte AS DOUBLE) / @days_in_year, 2)::DECIMAL(14, 2) AS prorated_pay,
  CAST(CAST(fte * (
    last_day - first_day + 1
  ) AS DOUBLE) / @days_in_year AS DECIMAL(10, 8)) AS fte_years,
  first_day::DATE AS first_day,
  last_day::DATE AS last_day,
  market_reference::DECIMAL(14, 2) AS market_reference,
  range_minimum::DECIMAL(14, 2) AS range_minimum,
  range_midpoint::DECIMAL(14, 2) AS range_midpoint,
  range_maximum::DECIMAL(14, 2) AS range_maximum
FROM earned
