/* No audits: those of the marts cover every year at once, and a study's trials run this model without them. */
MODEL (
  name intermediate.int_pay_@year,
  kind FULL,
  owner compensation,
  tags (intermediate, pay),
  blueprints @pay_years(),
  grain employee_id,
  description 'One row per person employed in the year: the pay chain, from opening or hire to year end or exit.',
  column_descriptions (
    simulation_year = 'Simulated year',
    starting_pay = 'Annual base pay at the opening, or at hire',
    cola_previous = 'Pay before the COLA; null when there was none',
    cola_rate = 'Rate applied',
    cola_pay = 'Pay after the COLA',
    cola_days = 'Days employed from the COLA date',
    drift_previous = 'Pay after the COLA, before the drift; null when there was none',
    drift_rate = 'Rate applied: what a person like this one got in a year beyond the award, without a decision',
    drift_pay = 'Pay after the drift, on the COLA date',
    promotion_previous = 'Pay before the promotion; null when there was none',
    promotion_rate = 'Rate applied, after the lift to the range minimum',
    promotion_pay = 'Pay after the promotion',
    pay_on_merit_date = 'Pay just before the merit date of all employed on it, eligible or not; null otherwise',
    merit_previous = 'Pay before the merit raise; null when not eligible',
    merit_target_rate = 'Rate of the level and the group, before the merit matrix and caps; null when not eligible',
    merit_rate = 'Rate applied, after caps',
    merit_pay = 'Pay after the merit raise',
    merit_days = 'Days employed from the merit date',
    base_pay = 'Annual base pay at year end, or at exit',
    lump_sum = 'Merit paid once instead of as base pay, at the range maximum (full-time)',
    prorated_pay = 'Pay earned in the year: period pay x days / days in year x FTE',
    fte_years = 'FTE x days employed / days in year',
    market_title_id = 'Number of the job title in the market reference; null without one',
    market_reference = 'The midpoint of the level''s range, moved to the year with the market, until a survey is matched; null after that',
    range_minimum = 'Minimum of the level''s range in the year',
    range_midpoint = 'Midpoint of the level''s range in the year',
    range_maximum = 'Maximum of the level''s range in the year'
  ),
  ignored_rules ["nomissingaudits"]
);

WITH terms AS (
  /* the values of the year's levers by level */
  SELECT
    levels.level_id,
    CAST(ROUND(CAST(levels.minimum AS DECIMAL(22, 2)) * CAST(@range_index AS DECIMAL(14, 8)), 2) AS DECIMAL(14, 2)) AS range_minimum,
    CAST(ROUND(CAST(levels.midpoint AS DECIMAL(22, 2)) * CAST(@range_index AS DECIMAL(14, 8)), 2) AS DECIMAL(14, 2)) AS range_midpoint,
    CAST(ROUND(CAST(levels.maximum AS DECIMAL(22, 2)) * CAST(@range_index AS DECIMAL(14, 8)), 2) AS DECIMAL(14, 2)) AS range_maximum,
    CAST(ROUND(CAST(market.market_reference AS DECIMAL(22, 2)) * CAST(@market_index AS DECIMAL(14, 8)), 2) AS DECIMAL(14, 2)) AS market_reference,
    CAST(levels.minimum AS DOUBLE) AS hire_minimum,
    CAST(levels.maximum - levels.minimum AS DOUBLE) AS hire_width,
    CAST(@hire_range_position AS DOUBLE) AS hire_position,
    CAST(@hire_range_spread AS DOUBLE) AS hire_spread,
    CAST(@new_hire_salary_adjustment AS DOUBLE) * CAST(@market_index AS DOUBLE) AS hire_factor,
    CAST(@entry_factor AS DECIMAL(14, 8)) AS entry_factor,
    CAST(1 + CAST(@cola_rate AS DECIMAL(9, 6)) AS DECIMAL(9, 6)) AS cola_factor,
    CAST(CASE levels.level_id
      WHEN 1
      THEN @merit_rate_level_1
      WHEN 2
      THEN @merit_rate_level_2
      WHEN 3
      THEN @merit_rate_level_3
      WHEN 4
      THEN @merit_rate_level_4
      ELSE @merit_rate_level_5
    END AS DOUBLE) AS merit_base,
    CAST(CASE levels.level_id
      WHEN 1
      THEN @drift_shift_level_1
      WHEN 2
      THEN @drift_shift_level_2
      WHEN 3
      THEN @drift_shift_level_3
      WHEN 4
      THEN @drift_shift_level_4
      ELSE @drift_shift_level_5
    END AS DECIMAL(9, 6)) AS drift_shift,
    CAST(1 + CAST(CASE levels.level_id
      WHEN 2
      THEN @promotion_raise_level_1
      WHEN 3
      THEN @promotion_raise_level_2
      WHEN 4
      THEN @promotion_raise_level_3
      ELSE @promotion_raise_level_4
    END AS DECIMAL(9, 6)) AS DECIMAL(9, 6)) AS promotion_factor /* the raise is of the level left, one below */
  FROM staging.stg_job_levels AS levels
  INNER JOIN staging.stg_market_reference AS market
    ON market.level_id = levels.level_id
), basis AS (
  SELECT
    paid.*,
    @where_grouped(merit, @group_place(@merit_group_attribute, @merit_group_names)) AS merit_group_place,
    @where_grouped(award, @group_place(@award_attribute, @award_names)) AS award_place,
    @where_drift(@draw_block(@seed, @year, paid.employee_id, drift_donor)) AS drift_digest
  FROM intermediate.int_pay_basis_@year AS paid
), drifting AS (
  SELECT
    *
  FROM @drifted(
    basis,
    @draw(s.drift_digest, drift_donor),
    @drift_group_attribute,
    @drift_group_names,
    @drift_group_factors,
    @drift_group_points,
    CAST(@drift_varies_by_group AS DOUBLE) * @normal_draw(@draw_block(@seed, @year, g.group_name, group_drift))
  ) AS drawn
), started AS (
  SELECT
    basis.employee_id,
    basis.is_hire,
    basis.is_active,
    basis.gender,
    basis.ethnicity,
    basis.department,
    basis.tenure_band,
    basis.level_id,
    basis.merit_level_id,
    basis.performance_rating,
    CAST(@where_grouped(
      merit,
      COALESCE(LIST_EXTRACT(CAST(@merit_group_factors AS DECIMAL(9, 6)[]), basis.merit_group_place), 1),
      1
    ) AS DECIMAL(9, 6)) AS merit_group_factor,
    CAST(@where_grouped(
      merit,
      COALESCE(LIST_EXTRACT(CAST(@merit_group_points AS DECIMAL(9, 6)[]), basis.merit_group_place), 0),
      0
    ) AS DECIMAL(9, 6)) AS merit_group_points,
    basis.fte,
    basis.fte_years,
    basis.first_day,
    basis.last_day,
    basis.days_0,
    basis.days_1,
    basis.days_2,
    basis.days_3,
    basis.cola_due,
    basis.promotion_due,
    basis.on_merit_date,
    basis.merit_due,
    basis.drift_rate,
    basis.market_title_id,
    terms.range_minimum,
    terms.range_midpoint,
    terms.range_maximum,
    terms.market_reference,
    CAST(@where_grouped(
      award,
      COALESCE(1 + LIST_EXTRACT(CAST(@award_rates AS DECIMAL(9, 6)[]), basis.award_place), terms.cola_factor),
      terms.cola_factor
    ) AS DECIMAL(9, 6)) AS cola_factor,
    terms.promotion_factor,
    CAST(CASE
      WHEN basis.is_hire AND @hires_copy_pay AND NOT basis.entry_pay IS NULL
      THEN ROUND(CAST(basis.entry_pay AS DECIMAL(22, 2)) * terms.entry_factor, 2)
      WHEN basis.is_hire
      THEN ROUND(
        (
          terms.hire_minimum + terms.hire_width * LEAST(GREATEST(terms.hire_position + (
            2 * basis.range_position_draw - 1
          ) * terms.hire_spread, 0), 1)
        ) * terms.hire_factor,
        2
      )
      ELSE opening_pay.base_pay
    END AS DECIMAL(14, 2)) AS pay_0
  FROM drifting AS basis
  INNER JOIN terms
    ON terms.level_id = basis.level_id
  LEFT JOIN intermediate.@opening_pay AS opening_pay
    ON opening_pay.employee_id = basis.employee_id
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
)
SELECT
  CAST(@year AS INT) AS simulation_year,
  CAST(employee_id AS TEXT) AS employee_id,
  CAST(is_hire AS BOOLEAN) AS is_hire,
  CAST(is_active AS BOOLEAN) AS is_active,
  CAST(gender AS TEXT) AS gender,
  CAST(ethnicity AS TEXT) AS ethnicity,
  CAST(department AS TEXT) AS department,
  CAST(tenure_band AS INT) AS tenure_band,
  CAST(level_id AS INT) AS level_id,
  CAST(fte AS DECIMAL(5, 4)) AS fte,
  CAST(pay_0 AS DECIMAL(14, 2)) AS starting_pay,
  CAST(CASE WHEN cola_due THEN @pay_before(cola) END AS DECIMAL(14, 2)) AS cola_previous,
  CAST(CASE WHEN cola_due THEN cola_factor - 1 END AS DECIMAL(9, 6)) AS cola_rate,
  CAST(CASE WHEN cola_due THEN @cola_pay() END AS DECIMAL(14, 2)) AS cola_pay,
  CAST(@days_from(cola) AS SMALLINT) AS cola_days,
  CAST(CASE WHEN NOT drift_rate IS NULL THEN @cola_pay() END AS DECIMAL(14, 2)) AS drift_previous,
  CAST(drift_rate AS DECIMAL(9, 6)) AS drift_rate,
  CAST(CASE WHEN NOT drift_rate IS NULL THEN @pay_after(cola) END AS DECIMAL(14, 2)) AS drift_pay,
  CAST(CASE WHEN promotion_due THEN @pay_before(promotion) END AS DECIMAL(14, 2)) AS promotion_previous,
  CAST(CASE
    WHEN NOT promotion_due
    THEN NULL
    WHEN @pay_after(promotion) > ROUND(@pay_before(promotion) * promotion_factor, 2)
    THEN CAST(CAST(@pay_after(promotion) AS DOUBLE) / CAST(@pay_before(promotion) AS DOUBLE) - 1 AS DECIMAL(9, 6))
    ELSE promotion_factor - 1
  END AS DECIMAL(9, 6)) AS promotion_rate,
  CAST(CASE WHEN promotion_due THEN @pay_after(promotion) END AS DECIMAL(14, 2)) AS promotion_pay,
  CAST(CASE WHEN on_merit_date THEN @pay_before(merit) END AS DECIMAL(14, 2)) AS pay_on_merit_date,
  CAST(CASE WHEN merit_due THEN @pay_before(merit) END AS DECIMAL(14, 2)) AS merit_previous,
  CAST(CASE WHEN merit_due THEN merit_target END AS DECIMAL(9, 6)) AS merit_target_rate,
  CAST(CASE
    WHEN NOT merit_due
    THEN NULL
    WHEN @pay_after(merit) < full_merit_pay
    THEN CAST(CAST(@pay_after(merit) AS DOUBLE) / CAST(@pay_before(merit) AS DOUBLE) - 1 AS DECIMAL(9, 6))
    ELSE merit_applied
  END AS DECIMAL(9, 6)) AS merit_rate,
  CAST(CASE WHEN merit_due THEN @pay_after(merit) END AS DECIMAL(14, 2)) AS merit_pay,
  CAST(@days_from(merit) AS SMALLINT) AS merit_days,
  CAST(pay_3 AS DECIMAL(14, 2)) AS base_pay,
  CAST(CASE WHEN merit_due THEN full_merit_pay - @pay_after(merit) ELSE 0 END AS DECIMAL(14, 2)) AS lump_sum,
  CAST(ROUND(
    CAST(days_0 * pay_0 + days_1 * pay_1 + days_2 * pay_2 + days_3 * pay_3 AS DOUBLE) * CAST(fte AS DOUBLE) / @days_in_year,
    2
  ) AS DECIMAL(14, 2)) AS prorated_pay,
  CAST(fte_years AS DECIMAL(10, 8)) AS fte_years,
  CAST(first_day AS DATE) AS first_day,
  CAST(last_day AS DATE) AS last_day,
  CAST(market_title_id AS INT) AS market_title_id,
  CAST(market_reference AS DECIMAL(14, 2)) AS market_reference,
  CAST(range_minimum AS DECIMAL(14, 2)) AS range_minimum,
  CAST(range_midpoint AS DECIMAL(14, 2)) AS range_midpoint,
  CAST(range_maximum AS DECIMAL(14, 2)) AS range_maximum
FROM third_raise
