-- Pairs by year of publication.
SELECT year, count_if(level = 'figure') AS figure_pairs, count_if(level = 'panel') AS panel_pairs
FROM pairs GROUP BY year ORDER BY year;
