-- Pairs by language of the caption.
SELECT language, count(*) FILTER (level = 'figure') AS figure_pairs, count(*) FILTER (level = 'panel') AS panel_pairs
FROM pairs GROUP BY language ORDER BY figure_pairs DESC, panel_pairs DESC, language;
