-- Captions that occur more than once, word for word; by the stored hash, never by the text.
SELECT level, count(*) AS captions, sum(n)::BIGINT AS pairs, max(n) AS most_of_one
FROM (SELECT level, count(*) AS n FROM pairs GROUP BY level, caption_hash HAVING n > 1)
GROUP BY level ORDER BY level;
