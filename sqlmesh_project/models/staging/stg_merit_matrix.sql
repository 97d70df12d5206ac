MODEL (
  name staging.stg_merit_matrix,
  kind FULL,
  grain performance_rating,
  description 'One row per performance rating: the merit matrix, flat over position in range by default.',
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
    unique_values(columns := (performance_rating))
  )
);

SELECT
  performance_rating::INT AS performance_rating,
  performance_multiplier::DECIMAL(9, 6) AS performance_multiplier,
  below_range::DECIMAL(9, 6) AS below_range,
  quartile_1::DECIMAL(9, 6) AS quartile_1,
  quartile_2::DECIMAL(9, 6) AS quartile_2,
  quartile_3::DECIMAL(9, 6) AS quartile_3,
  quartile_4::DECIMAL(9, 6) AS quartile_4,
  above_range::DECIMAL(9, 6) AS above_range
FROM @merit_matrix_rows() AS declared
