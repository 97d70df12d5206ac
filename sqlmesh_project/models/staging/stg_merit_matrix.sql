MODEL (
  name staging.stg_merit_matrix,
  kind FULL,
  owner compensation,
  tags (staging, parameters),
  grain performance_rating,
  description 'One row per performance rating: the merit matrix, which falls with position in range by default.',
  column_descriptions (
    performance_rating = 'Rating 1..5',
    performance_multiplier = 'Relative merit of the rating, before scaling to the level''s budget',
    below_range = 'Multiplier for pay under the range minimum',
    quartile_1 = 'Multiplier in the lowest quarter of the range',
    quartile_2 = 'Multiplier in the second quarter',
    quartile_3 = 'Multiplier in the third quarter',
    quartile_4 = 'Multiplier in the highest quarter',
    above_range = 'Multiplier at or over the range maximum'
  ),
  audits (
    unique_values(columns := (
      performance_rating
    ))
  )
);

SELECT
  CAST(performance_rating AS INT) AS performance_rating,
  CAST(performance_multiplier AS DECIMAL(9, 6)) AS performance_multiplier,
  CAST(below_range AS DECIMAL(9, 6)) AS below_range,
  CAST(quartile_1 AS DECIMAL(9, 6)) AS quartile_1,
  CAST(quartile_2 AS DECIMAL(9, 6)) AS quartile_2,
  CAST(quartile_3 AS DECIMAL(9, 6)) AS quartile_3,
  CAST(quartile_4 AS DECIMAL(9, 6)) AS quartile_4,
  CAST(above_range AS DECIMAL(9, 6)) AS above_range
FROM @merit_matrix_rows() AS declared
