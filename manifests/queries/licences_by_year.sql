-- Pairs by year and licence group.
SELECT year, licence_group, count_if(level = 'figure') AS figure_pairs, count_if(level = 'panel') AS panel_pairs
FROM pairs GROUP BY ALL ORDER BY year, licence_group;
