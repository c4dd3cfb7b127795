-- Captions that occur more than once, word for word; by the stored hash, never by the text.
-- Sorting the hashes tells which repeat; only the rows of those are counted.
WITH repeated AS (
  SELECT DISTINCT caption_hash
  FROM (SELECT caption_hash, lag(caption_hash) OVER (ORDER BY caption_hash) AS before FROM pairs)
  WHERE before = caption_hash)
SELECT level, count(*) AS captions, sum(n)::BIGINT AS pairs, max(n) AS most_of_one
FROM (SELECT level, count(*) AS n FROM pairs SEMI JOIN repeated USING (caption_hash) GROUP BY level, caption_hash HAVING n > 1)
GROUP BY level ORDER BY level;
