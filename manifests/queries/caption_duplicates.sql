-- Captions that occur more than once, word for word; by the stored hash, never by the text.
SELECT count(*) AS captions, sum(n)::BIGINT AS pairs, max(n) AS most_of_one
FROM (SELECT count(*) AS n FROM pairs GROUP BY caption_hash HAVING n > 1);
