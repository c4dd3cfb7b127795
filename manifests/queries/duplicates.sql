-- Duplicate pictures by how they are related to the one that is kept.
SELECT relation, count(*) AS duplicates, count(DISTINCT duplicate_group) AS groups
FROM duplicates WHERE NOT is_keeper GROUP BY relation ORDER BY duplicates DESC, relation;
