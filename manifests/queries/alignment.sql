-- Panel pairs by the confidence that sub-caption and picture belong together, in tenths.
SELECT least(floor(alignment_score * 10), 9) / 10 AS score_from, count(*) AS panel_pairs
FROM panel_pairs GROUP BY score_from ORDER BY score_from;
