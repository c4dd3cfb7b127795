-- A random sample of 10,000 pairs: their keys and facts.
-- The stored hash of the article picks about twice as many; of those a random half stays. Texts would cost a hundred
-- times as much: ask for them by key, or take `sample_with_text`.
SELECT pair_key, level, pmcid, licence_code, year, image_kind, n_words, split
FROM pairs
WHERE article_hash <= (
  SELECT (1.8446744073709550e19::DOUBLE * least(20000 / greatest(count(*), 1), 1))::UBIGINT FROM pairs)
ORDER BY hash(pair_key), pair_key LIMIT 10000;
