-- The twenty journals with the most pairs.
SELECT journal, count_if(level = 'figure') AS figure_pairs, count_if(level = 'panel') AS panel_pairs
FROM pairs GROUP BY journal ORDER BY figure_pairs DESC, panel_pairs DESC, journal LIMIT 20;
