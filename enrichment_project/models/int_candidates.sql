MODEL (
  name enrichment.int_candidates_@matching,
  kind FULL,
  blueprints @matchings(),
  grain right_row,
  description 'One row per name of the reference that is in a block which some record looks into.',
  column_descriptions (
    right_row = 'Number of the row of the reference',
    firm = 'Its first identifier, else its normalised name: names of one firm or occupation are one candidate',
    normal_name = 'Normalised name',
    stems = 'The words that count, singular, separated by blanks',
    compact = 'The same without blanks',
    role = 'Of a title: what a person in it does; empty when no word says it, and for companies',
    city = 'City; null when unknown',
    state = 'State; null when unknown',
    zip = 'First five digits of the zip code; null when unknown'
  )
);

SELECT
  rights.right_row,
  CAST(COALESCE(@first_identifier(@matching, rights), rights.normal_name) AS TEXT) AS firm,
  rights.normal_name,
  rights.stems,
  rights.compact,
  rights.role,
  rights.city,
  rights.state,
  rights.zip
FROM enrichment.stg_right_@matching AS rights
SEMI JOIN enrichment.int_right_blocks_@matching AS blocks
  ON blocks.right_row = rights.right_row
