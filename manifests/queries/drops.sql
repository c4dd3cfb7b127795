-- What was lost, where and why.
SELECT thing, step, reason, n FROM drops ORDER BY thing, n DESC, step, reason;
