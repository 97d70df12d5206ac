MODEL (
  name marts.fct_market_position,
  kind FULL,
  owner compensation,
  tags (marts, pay),
  grain (simulation_year, attribute, group_name),
  description 'One row per year, attribute and group of the active: where their pay is in the market of their job titles; year 0 is the census. Pay is full-time annual base pay.',
  column_descriptions (
    simulation_year = 'Simulated year; 0 = the census',
    attribute = 'all, level, job_title, department, job_family or gender; one that the census does not have is left out',
    "group" = 'Group of the attribute; the level as a number; "not stated" for people without one',
    headcount = 'Active at year end',
    market_people = 'Those whose job title has a market reference',
    mean_base_pay = 'Mean base pay of those with a reference; null without any',
    mean_market_reference = 'Mean of what the market pays for their titles in the year; null without any',
    mean_market_ratio = 'Their mean compa-ratio to the market; null without any',
    mean_market_position = 'Their mean percentile in the market, each from P10 to P90; null where no percentile is known',
    market_reason = 'Why mean_market_ratio is null: no_survey; of a job title review, unmatched or no_wages; of other groups no_match'
  ),
  audits (
    unique_combination_of_columns(columns := (simulation_year, attribute, "group")),
    market_groups_count_everyone
  )
);

WITH everyone AS (
  SELECT
    pay.simulation_year,
    CAST(pay.level_id AS TEXT) AS level_name,
    workforce.job_title,
    workforce.department,
    workforce.job_family,
    workforce.gender,
    pay.base_pay,
    market.market_reference,
    market.market_ratio,
    market.market_position
  FROM intermediate.int_pay AS pay
  INNER JOIN intermediate.int_workforce AS workforce
    ON workforce.simulation_year = pay.simulation_year AND workforce.employee_id = pay.employee_id
  LEFT JOIN intermediate.int_market AS market
    ON market.simulation_year = pay.simulation_year AND market.employee_id = pay.employee_id
  WHERE
    pay.is_active
  UNION ALL
  SELECT
    baseline.simulation_year,
    CAST(baseline.level_id AS TEXT) AS level_name,
    baseline.job_title,
    baseline.department,
    baseline.job_family,
    baseline.gender,
    baseline.base_pay,
    titles.market_median AS market_reference,
    CAST(CAST(baseline.base_pay AS DOUBLE) / CAST(titles.market_median AS DOUBLE) AS DECIMAL(12, 6)) AS market_ratio,
    @market_place(baseline.base_pay) AS market_position
  FROM intermediate.int_baseline_workforce AS baseline
  LEFT JOIN staging.stg_market_titles AS titles
    ON titles.job_title = baseline.job_title
), groups AS (
  SELECT
    simulation_year,
    CASE
      WHEN GROUPING(level_name) = 0
      THEN 'level'
      WHEN GROUPING(job_title) = 0
      THEN 'job_title'
      WHEN GROUPING(department) = 0
      THEN 'department'
      WHEN GROUPING(job_family) = 0
      THEN 'job_family'
      WHEN GROUPING(gender) = 0
      THEN 'gender'
      ELSE 'all'
    END AS attribute,
    COALESCE(level_name, job_title, department, job_family, gender) AS group_name,
    COUNT(*) AS headcount,
    COUNT(market_ratio) AS market_people,
    SUM(CASE WHEN NOT market_ratio IS NULL THEN base_pay END) AS pay_sum,
    SUM(CASE WHEN NOT market_ratio IS NULL THEN market_reference END) AS reference_sum,
    SUM(market_ratio) AS ratio_sum,
    COUNT(market_position) AS places,
    SUM(market_position) AS position_sum
  FROM everyone
  GROUP BY
    GROUPING SETS (
      (
        simulation_year
      ),
      (simulation_year, level_name),
      (simulation_year, job_title),
      (simulation_year, department),
      (simulation_year, job_family),
      (simulation_year, gender)
    )
), survey AS (
  SELECT
    COUNT(*) AS titles
  FROM staging.stg_market_titles
), known AS (
  SELECT
    COUNT(job_family) AS families,
    COUNT(gender) AS genders
  FROM intermediate.int_baseline_workforce
)
SELECT
  CAST(groups.simulation_year AS INT) AS simulation_year,
  CAST(groups.attribute AS TEXT) AS attribute,
  CAST(CASE WHEN groups.attribute = 'all' THEN 'all' ELSE COALESCE(groups.group_name, 'not stated') END AS TEXT) AS "group",
  CAST(groups.headcount AS BIGINT) AS headcount,
  CAST(groups.market_people AS BIGINT) AS market_people,
  CAST((
    CAST(groups.pay_sum AS DOUBLE) / NULLIF(groups.market_people, 0)
  ) AS DOUBLE) AS mean_base_pay,
  CAST((
    CAST(groups.reference_sum AS DOUBLE) / NULLIF(groups.market_people, 0)
  ) AS DOUBLE) AS mean_market_reference,
  CAST((
    CAST(groups.ratio_sum AS DOUBLE) / NULLIF(groups.market_people, 0)
  ) AS DOUBLE) AS mean_market_ratio,
  CAST((
    CAST(groups.position_sum AS DOUBLE) / NULLIF(groups.places, 0)
  ) AS DOUBLE) AS mean_market_position,
  CAST(CASE
    WHEN groups.market_people > 0
    THEN NULL
    WHEN survey.titles = 0
    THEN 'no_survey'
    WHEN groups.attribute = 'job_title'
    THEN COALESCE(titles.market_reason, 'unmatched')
    ELSE 'no_match'
  END AS TEXT) AS market_reason
FROM groups
CROSS JOIN survey
CROSS JOIN known
LEFT JOIN staging.stg_market_titles AS titles
  ON groups.attribute = 'job_title' AND titles.job_title = groups.group_name
WHERE
  CASE groups.attribute
    WHEN 'job_family'
    THEN known.families > 0
    WHEN 'gender'
    THEN known.genders > 0
    ELSE TRUE
  END
