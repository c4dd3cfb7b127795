-- Pairs by licence.
SELECT licence_group, licence_code, count(*) FILTER (level = 'figure') AS figure_pairs, count(*) FILTER (level = 'panel') AS panel_pairs
FROM pairs GROUP BY ALL ORDER BY figure_pairs DESC, panel_pairs DESC, licence_code;
