-- How many captions have how many words, in steps of twenty; 400 stands for more, too.
WITH counts AS (
  SELECT least(n_words // 20 * 20, 400) AS words_from,
    count(*) FILTER (level = 'figure') AS figure_pairs, count(*) FILTER (level = 'panel') AS panel_pairs
  FROM pairs GROUP BY words_from)
SELECT words_from, coalesce(figure_pairs, 0) AS figure_pairs, coalesce(panel_pairs, 0) AS panel_pairs
FROM range(0, 401, 20) AS steps(words_from) LEFT JOIN counts USING (words_from)
WHERE words_from <= (SELECT max(words_from) FROM counts) ORDER BY words_from;
