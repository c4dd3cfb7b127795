-- Duplicate pictures by how they are related to the one that is kept.
SELECT relation, count(*) AS members, count(*) FILTER (NOT is_keeper) AS duplicates, count(DISTINCT duplicate_group) AS groups
FROM duplicates GROUP BY relation ORDER BY members DESC, relation;
