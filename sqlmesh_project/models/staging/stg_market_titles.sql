MODEL (
  name staging.stg_market_titles,
  kind FULL,
  owner compensation,
  tags (staging, census),
  grain job_title,
  description 'One row per job title of the census, once a market survey is matched: what the market pays for its occupation at the census date. No rows without a survey.',
  column_descriptions (
    title_id = 'Number of the title',
    job_title = 'Job title as reported',
    occupation_id = 'SOC code or id of the matched entry of the survey; null unless linked',
    occupation = 'Occupation or title of that entry',
    market_reason = 'Why the title has no market reference: review (a person decides what it is), unmatched, no_wages (none are published for the occupation)',
    market_median = 'Median annual pay of the occupation (P50), aged to the census date; null with a reason',
    market_p10 = 'P10 of the occupation; null above the published percentiles or where it has no reference',
    market_p25 = 'P25; between its neighbours where the survey has none',
    market_p50 = 'P50: the median',
    market_p75 = 'P75; between its neighbours where the survey has none',
    market_p90 = 'P90; null where it is not published'
  ),
  audits (
    unique_values(columns := (
      job_title
    )),
    unique_values(columns := (
      title_id
    )),
    market_has_reference_or_reason
  )
);

SELECT
  CAST(title_id AS INT) AS title_id,
  CAST(job_title AS TEXT) AS job_title,
  CAST(occupation_id AS TEXT) AS occupation_id,
  CAST(occupation AS TEXT) AS occupation,
  CAST(market_reason AS TEXT) AS market_reason,
  CAST(p50 AS DECIMAL(14, 2)) AS market_median,
  CAST(p10 AS DOUBLE) AS market_p10,
  CAST(p25 AS DOUBLE) AS market_p25,
  CAST(p50 AS DOUBLE) AS market_p50,
  CAST(p75 AS DOUBLE) AS market_p75,
  CAST(p90 AS DOUBLE) AS market_p90
FROM @market_table()
