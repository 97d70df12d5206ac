MODEL (
  name intermediate.int_hire_profile,
  kind FULL,
  owner workforce_planning,
  tags (intermediate, dynamics),
  grain (level_id, ordinal),
  description 'One row per level and template: whose job, department, location, manager, gender, FTE, age at hire and pay a simulated hire copies.',
  column_descriptions (
    level_id = 'Level of the hire',
    ordinal = '1..n within the level',
    age_at_hire_days = 'Age at hire in days; null when the census has no birth dates',
    entry_pay = 'Base pay in the census, and so the position in the level''s range; null for a level without employees',
    exit_factor = 'Likelihood to leave that department and job title make',
    tenure_curve = 'Number of the department''s own tenure curve; 0 = everybody''s'
  ),
  audits (
    unique_combination_of_columns(columns := (level_id, ordinal))
  )
);

WITH everyone AS (
  SELECT
    *,
    tenure_years <= @new_hire_profile_years AS is_recent
  FROM intermediate.int_baseline_workforce
), levels AS (
  SELECT
    levels.level_id,
    levels.level_name,
    COUNT(everyone.employee_id) AS people,
    COUNT(CASE WHEN everyone.is_recent THEN 1 END) AS recent_people
  FROM staging.stg_job_levels AS levels
  LEFT JOIN everyone
    ON everyone.level_id = levels.level_id
  GROUP BY
    levels.level_id,
    levels.level_name
), templates AS (
  /* recent hires of the level; else all of the level; else, for an empty level, any employee under the level's name */
  SELECT
    levels.level_id,
    everyone.employee_id,
    CASE WHEN levels.people > 0 THEN everyone.job_title ELSE levels.level_name END AS job_title,
    everyone.department,
    everyone.gender,
    everyone.ethnicity,
    everyone.job_family,
    everyone.location,
    everyone.manager_id,
    everyone.fte,
    everyone.hire_date - everyone.birth_date AS age_at_hire_days,
    CASE WHEN levels.people > 0 THEN everyone.base_pay END AS entry_pay,
    everyone.exit_factor,
    everyone.tenure_curve
  FROM levels
  INNER JOIN everyone
    ON (
      levels.recent_people > 0 AND everyone.level_id = levels.level_id AND everyone.is_recent
    )
    OR (
      levels.recent_people = 0 AND levels.people > 0 AND everyone.level_id = levels.level_id
    )
    OR levels.people = 0
)
SELECT
  CAST(level_id AS INT) AS level_id,
  CAST(ROW_NUMBER() OVER (PARTITION BY level_id ORDER BY employee_id) AS BIGINT) AS ordinal,
  CAST(job_title AS TEXT) AS job_title,
  CAST(department AS TEXT) AS department,
  CAST(gender AS TEXT) AS gender,
  CAST(ethnicity AS TEXT) AS ethnicity,
  CAST(job_family AS TEXT) AS job_family,
  CAST(location AS TEXT) AS location,
  CAST(manager_id AS TEXT) AS manager_id,
  CAST(fte AS DECIMAL(5, 4)) AS fte,
  CAST(age_at_hire_days AS BIGINT) AS age_at_hire_days,
  CAST(entry_pay AS DECIMAL(14, 2)) AS entry_pay,
  CAST(exit_factor AS DECIMAL(12, 6)) AS exit_factor,
  CAST(tenure_curve AS INT) AS tenure_curve
FROM templates
