-- How many pictures have how many panels; twenty stands for more, too.
WITH counts AS (
  SELECT least(n_panels, 20) AS panels, count(*) AS images FROM pixels WHERE status <> 'dropped' GROUP BY panels)
SELECT panels, coalesce(images, 0) AS images
FROM range(1, 21) AS steps(panels) LEFT JOIN counts USING (panels)
WHERE panels <= (SELECT max(panels) FROM counts) ORDER BY panels;
