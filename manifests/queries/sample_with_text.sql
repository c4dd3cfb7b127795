-- A random sample of 10,000 pairs with all their columns, from one in forty of the shards (but from at least four).
WITH shards AS (SELECT shard, count(*) AS n FROM pairs GROUP BY shard),
chosen AS (
  SELECT shard FROM shards ORDER BY hash(shard), shard
  LIMIT (SELECT greatest(4, count(*) // 40) FROM shards)),
fraction AS (SELECT least(12000 / greatest(sum(n), 1), 1) AS share FROM shards WHERE shard IN (SELECT shard FROM chosen))
SELECT pairs.* FROM pairs
WHERE shard IN (SELECT shard FROM chosen)
  AND hash(pair_key) <= (SELECT (1.8446744073709550e19::DOUBLE * share)::UBIGINT FROM fraction)
ORDER BY hash(pair_key), pair_key LIMIT 10000;
