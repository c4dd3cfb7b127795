-- Pairs by year of publication.
SELECT year, count(*) FILTER (level = 'figure') AS figure_pairs, count(*) FILTER (level = 'panel') AS panel_pairs
FROM pairs GROUP BY year ORDER BY year;
