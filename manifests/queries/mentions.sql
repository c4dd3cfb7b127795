-- How often the text mentions a figure: figures by number of mentions; ten stands for more, too.
SELECT least(len(coalesce(mentions, [])), 10) AS mentions, count(*) AS figures
FROM figures WHERE status = 'ok' GROUP BY ALL ORDER BY ALL;
