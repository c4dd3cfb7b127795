-- Pairs by year and licence group.
SELECT year, licence_group, count(*) FILTER (level = 'figure') AS figure_pairs, count(*) FILTER (level = 'panel') AS panel_pairs
FROM pairs GROUP BY ALL ORDER BY year, licence_group;
