-- How much is left under which rule, from all pairs down to the freest licences.
-- A licence of an article may not cover a figure that it took from elsewhere: `rights` of `figures` tells the signs.
WITH rules(position, rule, codes) AS (VALUES
  (1, 'all pairs', NULL),
  (2, 'any licence that is known', ['CC0', 'PD', 'CC BY', 'CC BY-SA', 'CC BY-ND', 'CC BY-NC', 'CC BY-NC-SA', 'CC BY-NC-ND']),
  (3, 'may be changed (no ND)', ['CC0', 'PD', 'CC BY', 'CC BY-SA', 'CC BY-NC', 'CC BY-NC-SA']),
  (4, 'may be sold (no NC)', ['CC0', 'PD', 'CC BY', 'CC BY-SA', 'CC BY-ND']),
  (5, 'may be sold and changed', ['CC0', 'PD', 'CC BY', 'CC BY-SA']),
  (6, 'and shared on any terms (no SA)', ['CC0', 'PD', 'CC BY']),
  (7, 'free of every condition', ['CC0', 'PD'])),
counts AS (SELECT licence_code, level, count(*) AS n FROM pairs GROUP BY ALL)
SELECT rule, coalesce(sum(n) FILTER (level = 'figure'), 0)::BIGINT AS figure_pairs,
  coalesce(sum(n) FILTER (level = 'panel'), 0)::BIGINT AS panel_pairs, coalesce(sum(n), 0) / (SELECT sum(n) FROM counts) AS share
FROM rules LEFT JOIN counts ON codes IS NULL OR list_contains(codes, licence_code)
WHERE EXISTS (FROM counts)
GROUP BY position, rule ORDER BY position;
