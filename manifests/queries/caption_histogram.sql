-- How many captions have how many words, in steps of ten.
SELECT least(n_words // 10 * 10, 500) AS words_from,
  count(*) FILTER (level = 'figure') AS figure_pairs, count(*) FILTER (level = 'panel') AS panel_pairs
FROM pairs WHERE n_words IS NOT NULL GROUP BY words_from ORDER BY words_from;
