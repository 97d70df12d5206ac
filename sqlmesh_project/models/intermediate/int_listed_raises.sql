/* No audits: fct_increases, which shows these rows, has them. */
MODEL (
  name intermediate.int_listed_raises,
  kind FULL,
  owner compensation,
  tags (intermediate, pay),
  blueprints @first_pay_year(),
  grain employee_id,
  description 'One row per employee of the census: the raises of the first simulated year by the levers alone, before chance decides who leaves, is promoted or drifts. Steps and rates are those of the pay chain.',
  column_descriptions (
    simulation_year = 'First simulated year',
    level_id = 'Level in the census',
    old_pay = 'Annual base pay in the census',
    cola = 'What COLA or the award of the group adds',
    merit = 'What merit adds: of the level in the census, scaled over everyone in it with the required service',
    lump_sum = 'Merit paid once at the range maximum',
    merit_eligible = 'With the required service on the merit date',
    range_midpoint = 'Midpoint of the range of the level in the census, in the year'
  ),
  ignored_rules ["nomissingaudits"]
);

WITH terms AS (
  /* the values of the year's levers by level */
  SELECT
    level_id,
    CAST(ROUND(CAST(minimum AS DECIMAL(22, 2)) * CAST(@range_index AS DECIMAL(14, 8)), 2) AS DECIMAL(14, 2)) AS range_minimum,
    CAST(ROUND(CAST(midpoint AS DECIMAL(22, 2)) * CAST(@range_index AS DECIMAL(14, 8)), 2) AS DECIMAL(14, 2)) AS range_midpoint,
    CAST(ROUND(CAST(maximum AS DECIMAL(22, 2)) * CAST(@range_index AS DECIMAL(14, 8)), 2) AS DECIMAL(14, 2)) AS range_maximum,
    CAST(1 + CAST(@cola_rate AS DECIMAL(9, 6)) AS DECIMAL(9, 6)) AS cola_factor,
    CAST(CASE level_id
      WHEN 1
      THEN @merit_rate_level_1
      WHEN 2
      THEN @merit_rate_level_2
      WHEN 3
      THEN @merit_rate_level_3
      WHEN 4
      THEN @merit_rate_level_4
      ELSE @merit_rate_level_5
    END AS DOUBLE) AS merit_base
  FROM staging.stg_job_levels
), basis AS (
  SELECT
    *,
    @group_place(@merit_group_attribute, @merit_group_names) AS merit_group_place,
    @group_place(@award_attribute, @award_names) AS award_place
  FROM intermediate.int_baseline_workforce
), started AS (
  /* no promotion, no exit, no drift: they are drawn */
  SELECT
    basis.employee_id,
    basis.level_id,
    basis.level_id AS merit_level_id,
    basis.performance_rating,
    CAST(COALESCE(LIST_EXTRACT(CAST(@merit_group_factors AS DECIMAL(9, 6)[]), basis.merit_group_place), 1) AS DECIMAL(9, 6)) AS merit_group_factor,
    CAST(COALESCE(LIST_EXTRACT(CAST(@merit_group_points AS DECIMAL(9, 6)[]), basis.merit_group_place), 0) AS DECIMAL(9, 6)) AS merit_group_points,
    CAST(COALESCE(1 + LIST_EXTRACT(CAST(@award_rates AS DECIMAL(9, 6)[]), basis.award_place), terms.cola_factor) AS DECIMAL(9, 6)) AS cola_factor,
    TRUE AS cola_due,
    basis.hire_date <= CAST(@merit_hired_by AS DATE) AS merit_due,
    FALSE AS promotion_due,
    CAST(1 AS DECIMAL(9, 6)) AS promotion_factor,
    CAST(NULL AS DECIMAL(9, 6)) AS drift_rate,
    terms.range_minimum,
    terms.range_midpoint,
    basis.base_pay AS pay_0
  FROM basis
  INNER JOIN terms
    ON terms.level_id = basis.level_id
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
  CAST(level_id AS INT) AS level_id,
  CAST(pay_0 AS DECIMAL(14, 2)) AS old_pay,
  CAST(@pay_after(cola) - @pay_before(cola) AS DECIMAL(14, 2)) AS cola,
  CAST(@pay_after(merit) - @pay_before(merit) AS DECIMAL(14, 2)) AS merit,
  CAST(CASE WHEN merit_due THEN full_merit_pay - @pay_after(merit) ELSE 0 END AS DECIMAL(14, 2)) AS lump_sum,
  CAST(merit_due AS BOOLEAN) AS merit_eligible,
  CAST(range_midpoint AS DECIMAL(14, 2)) AS range_midpoint
FROM third_raise
