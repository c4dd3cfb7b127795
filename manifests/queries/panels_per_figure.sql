-- How many figures have how many panels; twenty stands for more, too.
SELECT least(n_panels, 20) AS panels, count(*) AS images
FROM pixels WHERE status <> 'dropped' GROUP BY panels ORDER BY panels;
