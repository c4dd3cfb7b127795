-- The funnel: what enters each step and what comes out.
-- Articles, figures, images and panels are counted apart; what is lost stands in `drops`, so in = out + lost.
SELECT thing, step, rows_in, rows_out, rows_in - rows_out AS lost, rows_out / nullif(rows_in, 0) AS share_kept
FROM funnel ORDER BY position;
