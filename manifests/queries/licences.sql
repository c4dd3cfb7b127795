-- Pairs by licence.
SELECT licence_group, licence_code, count_if(level = 'figure') AS figure_pairs, count_if(level = 'panel') AS panel_pairs
FROM pairs GROUP BY ALL ORDER BY figure_pairs DESC, panel_pairs DESC, licence_code;
