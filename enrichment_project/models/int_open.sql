MODEL (
  name enrichment.int_open_@matching,
  kind FULL,
  blueprints @matchings(),
  grain record,
  description 'One row per record that no exact step decides: its name, for which similar ones are looked for.',
  column_descriptions (
    record = 'Number of the record',
    normal_name = 'Normalised name',
    stems = 'The words that count, singular, separated by blanks',
    compact = 'The same without blanks',
    role = 'Of a title: what a person in it does; empty when no word says it, and for companies',
    is_cut = 'The name is as long as its field, and may end in the middle of a word',
    city = 'City; null when unknown',
    state = 'State; null when unknown',
    zip = 'First five digits of the zip code; null when unknown'
  )
);

SELECT
  lefts.record,
  lefts.normal_name,
  lefts.stems,
  lefts.compact,
  lefts.role,
  lefts.is_cut,
  lefts.city,
  lefts.state,
  lefts.zip
FROM enrichment.stg_left_@matching AS lefts
ANTI JOIN (
  SELECT
    record
  FROM enrichment.int_exact_@matching
  WHERE
    is_unique
) AS decided
  ON decided.record = lefts.record
WHERE
  lefts.record > 0
