MODEL (
  name enrichment.int_left_words_@matching,
  kind FULL,
  blueprints @matchings(),
  grain (record, word),
  description 'One row per record that no exact step decides and word of its name, with the word''s weight and its place among the rarest.',
  column_descriptions (
    record = 'Number of the record',
    word = 'Word, singular',
    names = 'Names of the reference with the word, 0 when it is in none',
    weight = 'Weight in thousandths; a word that the reference does not have weighs a declared share of the most',
    rarity = '1 for the rarest word of the name that the reference has'
  )
);

WITH record_words AS (
  SELECT
    record,
    UNNEST(LIST_DISTINCT(STR_SPLIT(stems, ' '))) AS word
  FROM enrichment.int_open_@matching
), most AS (
  SELECT
    COALESCE(MAX(of_names), 1) AS names
  FROM enrichment.int_words_@matching
)
SELECT
  CAST(record_words.record AS BIGINT) AS record,
  CAST(record_words.word AS TEXT) AS word,
  CAST(COALESCE(words.names, 0) AS BIGINT) AS names,
  COALESCE(
    words.weight,
    CAST(ROUND(
      @unknown_word * @weight_of_word(@rules, record_words.word, GREATEST(COALESCE(common.names, 0), 1), most.names)
    ) AS BIGINT)
  ) AS weight,
  CASE
    WHEN NOT words.names IS NULL
    THEN ROW_NUMBER() OVER (PARTITION BY record_words.record, words.names IS NULL ORDER BY words.names, record_words.word)
  END AS rarity
FROM record_words
CROSS JOIN most
LEFT JOIN enrichment.int_words_@matching AS words
  ON words.word = record_words.word
LEFT JOIN @background_words(@rules) AS common
  ON common.word = record_words.word
WHERE
  record_words.word <> ''
