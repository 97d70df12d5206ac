/* No audits: those of the marts cover every year at once, and a study's trials run this model without them. */
MODEL (
  name intermediate.int_pay_basis_@year,
  kind FULL,
  owner compensation,
  tags (intermediate, pay),
  blueprints @pay_basis_years(),
  grain employee_id,
  description 'One row per person employed in the year: which raises are due, and the days between them; no rates yet.',
  column_descriptions (
    simulation_year = 'Simulated year',
    level_id = 'Level at year end, or at exit',
    opening_level_id = 'Level at the opening, or at hire',
    opening_tenure_band = 'Band of tenure at the opening, as in the rates that a calibration stored; null without one',
    merit_level_id = 'Level on the merit date',
    first_day = 'First day employed in the year',
    last_day = 'Last day employed in the year',
    days_0 = 'Days employed before the first raise date',
    days_1 = 'Days employed from the first to the second raise date',
    days_2 = 'Days employed from the second to the third raise date',
    days_3 = 'Days employed from the third raise date',
    cola_due = 'Employed on the COLA date',
    promotion_due = 'Promoted in the year',
    on_merit_date = 'Employed on the merit date, eligible or not',
    merit_due = 'Employed on the merit date, with the required service',
    performance_rating = 'Rating 1..5',
    fte_years = 'FTE x days employed / days in year',
    tenure_band = 'Band of tenure at year end or exit: 1 = under 1 year, 2 = 1 to 2, 3 = 3 to 5, 4 = 6 to 10, 5 = over 10',
    market_title_id = 'Number of the job title in the market reference; null without one'
  ),
  ignored_rules ["nomissingaudits"]
);

WITH employed AS (
  SELECT
    *
  FROM intermediate.int_workforce_@year
), workforce AS (
  SELECT
    *,
    COALESCE(opening_level_id, level_id) AS left_level_id,
    GREATEST(hire_date, CAST(@year_start AS DATE)) AS first_day,
    COALESCE(termination_date, CAST(@year_end AS DATE)) AS last_day
  FROM @with_market_title(employed) AS titled
)
SELECT
  CAST(workforce.simulation_year AS INT) AS simulation_year,
  CAST(workforce.employee_id AS TEXT) AS employee_id,
  CAST(workforce.is_hire AS BOOLEAN) AS is_hire,
  CAST(workforce.is_active AS BOOLEAN) AS is_active,
  CAST(workforce.gender AS TEXT) AS gender,
  CAST(workforce.ethnicity AS TEXT) AS ethnicity,
  CAST(workforce.department AS TEXT) AS department,
  CAST(workforce.job_family AS TEXT) AS job_family,
  CAST(workforce.location AS TEXT) AS location,
  CAST(workforce.manager_id AS TEXT) AS manager_id,
  CAST(workforce.level_id AS INT) AS level_id,
  CAST(workforce.left_level_id AS INT) AS opening_level_id,
  CAST(@opening_tenure_band(@completed_years(workforce.hire_date, @year_start)) AS TEXT) AS opening_tenure_band,
  CAST(CASE
    WHEN CAST(@promotion_date AS DATE) <= CAST(@merit_date AS DATE)
    THEN workforce.level_id
    ELSE workforce.left_level_id
  END AS INT) AS merit_level_id,
  CAST(workforce.fte AS DECIMAL(5, 4)) AS fte,
  CAST(workforce.range_position_draw AS DOUBLE) AS range_position_draw,
  CAST(workforce.entry_pay AS DECIMAL(14, 2)) AS entry_pay,
  CAST(workforce.first_day AS DATE) AS first_day,
  CAST(workforce.last_day AS DATE) AS last_day,
  CAST((
    CAST(workforce.fte AS DOUBLE) * (
      workforce.last_day - workforce.first_day + 1
    ) / @days_in_year
  ) AS DECIMAL(10, 8)) AS fte_years,
  CAST(@days_employed(workforce.first_day, workforce.last_day, @year_start, @first_raise_date) AS SMALLINT) AS days_0,
  CAST(@days_employed(workforce.first_day, workforce.last_day, @first_raise_date, @second_raise_date) AS SMALLINT) AS days_1,
  CAST(@days_employed(workforce.first_day, workforce.last_day, @second_raise_date, @third_raise_date) AS SMALLINT) AS days_2,
  CAST(@days_employed(workforce.first_day, workforce.last_day, @third_raise_date, NULL) AS SMALLINT) AS days_3,
  CAST((
    workforce.hire_date <= CAST(@cola_date AS DATE) AND workforce.last_day >= CAST(@cola_date AS DATE)
  ) AS BOOLEAN) AS cola_due,
  CAST((
    NOT workforce.promotion_date IS NULL
  ) AS BOOLEAN) AS promotion_due,
  CAST((
    workforce.hire_date <= CAST(@merit_date AS DATE) AND workforce.last_day >= CAST(@merit_date AS DATE)
  ) AS BOOLEAN) AS on_merit_date,
  CAST((
    workforce.hire_date <= CAST(@merit_hired_by AS DATE)
    AND workforce.last_day >= CAST(@merit_date AS DATE)
  ) AS BOOLEAN) AS merit_due,
  CAST(workforce.performance_rating AS INT) AS performance_rating,
  CAST(@tenure_band(workforce.hire_date, workforce.last_day) AS INT) AS tenure_band,
  CAST(workforce.market_title_id AS INT) AS market_title_id
FROM workforce
