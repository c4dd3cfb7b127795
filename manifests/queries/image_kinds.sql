-- Pairs by kind of picture: radiology, microscopy, plot ….
SELECT image_kind, count(*) FILTER (level = 'figure') AS figure_pairs, count(*) FILTER (level = 'panel') AS panel_pairs,
  avg(image_kind_score) AS mean_probability
FROM pairs GROUP BY image_kind ORDER BY figure_pairs DESC, panel_pairs DESC, image_kind;
