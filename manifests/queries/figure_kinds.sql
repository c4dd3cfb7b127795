-- Pairs by kind and place of the figure in the article.
SELECT figure_kind, origin, count(*) FILTER (level = 'figure') AS figure_pairs, count(*) FILTER (level = 'panel') AS panel_pairs
FROM pairs GROUP BY ALL ORDER BY figure_pairs DESC, panel_pairs DESC, figure_kind, origin;
