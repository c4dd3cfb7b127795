-- Pairs by what is to be known about them before use.
SELECT flag, count(*) FILTER (level = 'figure') AS figure_pairs, count(*) FILTER (level = 'panel') AS panel_pairs
FROM (SELECT unnest(flags) AS flag, level FROM pairs) GROUP BY flag ORDER BY figure_pairs DESC, panel_pairs DESC, flag;
