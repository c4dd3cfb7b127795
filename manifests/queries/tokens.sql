-- How many pairs fit into the text encoders of CLIP (77 tokens), PMC-15M's CLIP (256) and BERT (512).
-- Counted are words and punctuation marks, and the two tokens that stand around a text; subword tokenizers make more,
-- so what does not fit here fits nowhere.
WITH lengths AS (
  SELECT CASE WHEN n_tokens + 2 <= 77 THEN 1 WHEN n_tokens + 2 <= 256 THEN 2 WHEN n_tokens + 2 <= 512 THEN 3 ELSE 4 END
    AS position, level, count(*) AS n
  FROM pairs WHERE n_tokens IS NOT NULL GROUP BY ALL)
SELECT ['up to 77', '78 to 256', '257 to 512', 'more than 512'][position] AS tokens,
  coalesce(sum(n) FILTER (level = 'figure'), 0)::BIGINT AS figure_pairs,
  coalesce(sum(n) FILTER (level = 'panel'), 0)::BIGINT AS panel_pairs
FROM lengths GROUP BY position ORDER BY position;
