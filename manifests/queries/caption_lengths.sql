-- Quantiles of caption length, in characters and words.
WITH lengths AS (
  SELECT level, quantile_disc(n_chars, [0.01, 0.25, 0.5, 0.75, 0.99]) AS chars,
    quantile_disc(n_words, [0.01, 0.25, 0.5, 0.75, 0.99]) AS words
  FROM pairs GROUP BY level)
SELECT level, unnest([1, 25, 50, 75, 99]) AS percentile, unnest(chars) AS n_chars, unnest(words) AS n_words
FROM lengths ORDER BY level, percentile;
