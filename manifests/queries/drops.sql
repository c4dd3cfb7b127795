-- What was lost, where and why, with three samples.
SELECT thing, step, reason, n, samples FROM drops ORDER BY thing, n DESC, step, reason;
