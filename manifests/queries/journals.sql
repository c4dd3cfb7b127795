-- The twenty journals with the most pairs.
SELECT journal, count(*) FILTER (level = 'figure') AS figure_pairs, count(*) FILTER (level = 'panel') AS panel_pairs
FROM pairs GROUP BY journal ORDER BY figure_pairs DESC, panel_pairs DESC, journal LIMIT 20;
