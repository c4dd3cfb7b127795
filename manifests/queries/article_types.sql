-- Pairs by type of article.
SELECT article_type, count(*) FILTER (level = 'figure') AS figure_pairs, count(*) FILTER (level = 'panel') AS panel_pairs
FROM pairs GROUP BY article_type ORDER BY figure_pairs DESC, panel_pairs DESC, article_type;
