-- How many pictures have how many panels; twenty stands for more, too.
WITH counts AS (
  SELECT least(n_panels, 20) AS panels, count(*) AS pictures FROM pixels WHERE status <> 'dropped' GROUP BY panels)
SELECT panels, coalesce(pictures, 0) AS pictures
FROM range(1, 21) AS steps(panels) LEFT JOIN counts USING (panels)
WHERE panels <= (SELECT max(panels) FROM counts) ORDER BY panels;
