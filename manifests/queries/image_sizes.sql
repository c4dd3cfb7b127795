-- How many pictures and crops have which shorter side, in doublings.
SELECT greatest(2 ** floor(log2(greatest(least(width, height), 1))), 16)::INTEGER AS shorter_side_from_px,
  count(*) FILTER (level = 'figure') AS figure_pairs, count(*) FILTER (level = 'panel') AS panel_pairs
FROM pairs WHERE width IS NOT NULL GROUP BY shorter_side_from_px ORDER BY shorter_side_from_px;
