MODEL (
  name enrichment.int_words_@matching,
  kind FULL,
  blueprints @matchings(),
  grain word,
  description 'One row per word of the reference: in how many names it is, and how much it says about one.',
  column_descriptions (
    word = 'Word, singular',
    names = 'Distinct names with the word',
    weight = 'Thousandths of the logarithm of names per name with the word',
    most = 'Weight of a word that is in one name only',
    of_names = 'Distinct names of the reference, and those of the background'
  )
);

WITH distinct_names AS MATERIALIZED (
  SELECT DISTINCT
    stems
  FROM enrichment.stg_right_@matching
), name_words AS (
  SELECT
    UNNEST(LIST_DISTINCT(STR_SPLIT(stems, ' '))) AS word
  FROM distinct_names
), counted AS (
  SELECT
    word,
    COUNT(*) AS names
  FROM name_words
  WHERE
    word <> ''
  GROUP BY
    word
), total AS (
  SELECT
    COUNT(stems) + @background_names(@rules) AS names
  FROM distinct_names
)
SELECT
  CAST(counted.word AS TEXT) AS word,
  CAST(counted.names AS BIGINT) AS names,
  @weight_of_word(@rules, counted.word, counted.names + COALESCE(common.names, 0), total.names) AS weight,
  CAST(@weight_of_word(@rules, 'rarest', 1, total.names) AS BIGINT) AS most,
  CAST(total.names AS BIGINT) AS of_names
FROM counted
CROSS JOIN total
LEFT JOIN @background_words(@rules) AS common
  ON common.word = counted.word
