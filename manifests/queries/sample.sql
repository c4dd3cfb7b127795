-- A random sample of 10,000 pairs: their keys and facts.
-- The stored hash of the article picks half as many more; of those 10,000 stay at random. Texts would cost a hundred
-- times as much: ask for them by key, or take `sample_with_text`.
SELECT pair_key, level, pmcid, licence_code, year, image_kind, split
FROM pairs
WHERE article_hash <= (
  SELECT (1.8446744073709550e19::DOUBLE * least(15000 / greatest(count(*), 1), 1))::UBIGINT FROM pairs)
ORDER BY hash(pair_key), pair_key LIMIT 10000;
