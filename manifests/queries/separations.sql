-- What became of the pictures when they were taken apart.
SELECT status, reason, count(*) AS pictures, sum(n_panels)::BIGINT AS panels
FROM pixels GROUP BY ALL ORDER BY pictures DESC, status, reason;
