-- What became of the pictures when they were taken apart.
SELECT status, reason, count(*) AS images, sum(n_panels)::BIGINT AS panels
FROM pixels GROUP BY ALL ORDER BY images DESC, status, reason;
