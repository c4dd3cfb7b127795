-- Shares and yields of this workspace beside those published of PMC-15M, BIOMEDICA and PMC-OA.
-- PMC-15M: arXiv 2303.00915 v3; BIOMEDICA: arXiv 2501.07171; PMC-OA: arXiv 2303.07240. Null where nothing was published.
WITH here AS (
  SELECT
    (SELECT count(*) FROM articles WHERE status IN ('ok', 'partial')) AS articles,
    (SELECT count(DISTINCT pmcid) FROM figure_pairs) AS contributing,
    (SELECT count(*) FROM figure_pairs) AS pairs,
    (SELECT count(*) FROM panel_pairs) AS panel_pairs,
    (SELECT count(*) FILTER (n_panels > 1) / nullif(count(*), 0) FROM pixels WHERE status <> 'dropped') AS compound,
    (SELECT count(*) FILTER (least(width, height) > 336) / nullif(count(*), 0) FROM figure_pairs) AS large)
SELECT measure, round(this_workspace, 3) AS this_workspace, pmc_15m::DOUBLE AS pmc_15m,
  biomedica::DOUBLE AS biomedica, pmc_oa::DOUBLE AS pmc_oa
FROM here, LATERAL (VALUES
  (1, 'share of articles with pairs', contributing / nullif(articles, 0), 0.68, 0.836, NULL),
  (2, 'pairs an article read', pairs / nullif(articles, 0), 3.47, 3.98, 4.93),
  (3, 'pairs an article with pairs', pairs / nullif(contributing, 0), 5.1, 4.77, NULL),
  (4, 'panel pairs a figure pair', panel_pairs / nullif(pairs, 0), 3.01, NULL, 0.135),
  (5, 'share of compound pictures', compound, 0.5, NULL, NULL),
  (6, 'share of pictures larger than 336 px', large, 0.75, NULL, NULL)
) AS measures(position, measure, this_workspace, pmc_15m, biomedica, pmc_oa)
ORDER BY position;
