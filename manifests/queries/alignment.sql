-- Panel pairs by the confidence that sub-caption and picture belong together.
SELECT least(floor(alignment_score * 10) * 10, 90)::INTEGER AS percent_from, count(*) AS panel_pairs
FROM panel_pairs GROUP BY percent_from ORDER BY percent_from;
