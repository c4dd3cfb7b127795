-- The splits, beside PMC-15M's shares.
WITH published(split, pmc_15m_share) AS (VALUES ('train', 0.9495), ('val', 0.0009), ('test', 0.0496))
SELECT split, count(DISTINCT pmcid) AS articles, count(*) FILTER (level = 'figure') AS figure_pairs,
  count(*) FILTER (level = 'panel') AS panel_pairs, count(*) / sum(count(*)) OVER () AS share, any_value(pmc_15m_share)::DOUBLE AS pmc_15m_share
FROM pairs LEFT JOIN published USING (split) GROUP BY split ORDER BY figure_pairs DESC, split;
