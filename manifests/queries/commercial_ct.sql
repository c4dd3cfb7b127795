-- How many CT pairs with a commercial licence since 2018?
-- The narrow conditions come first: only the captions that are left are read.
SELECT level, count(*) AS pairs, count(DISTINCT pmcid) AS articles
FROM pairs
WHERE licence_group = 'commercial' AND year >= 2018 AND NOT coalesce(is_duplicate, false)
  AND regexp_matches(text, '\bCT\b|(?i:computed tomogra)')
GROUP BY level ORDER BY level;
