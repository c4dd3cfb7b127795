-- Captions that say what another one says, by how they are related to the one that is kept.
SELECT if(key LIKE '%\_p%' ESCAPE '\', 'panel', 'figure') AS level, relation, count(*) AS captions,
  count(DISTINCT caption_group) AS groups, max(group_size) AS largest_group
FROM caption_groups WHERE NOT is_keeper GROUP BY ALL ORDER BY level, captions DESC, relation;
