-- How many CT pairs with a commercial licence since 2018?
SELECT level, count(*) AS pairs, count(DISTINCT pmcid) AS articles
FROM pairs
WHERE licence_group = 'commercial' AND year >= 2018 AND NOT coalesce(is_duplicate, false)
  AND list_contains(modalities, 'CT')
GROUP BY level ORDER BY level;
