-- Every table of a workspace as a view over its Parquet parts, and the views that people ask by.
--
--   plain duckdb:  cd data && duckdb -init path/to/views.sql
--   Python:        connection = pmc15m.query.connect("data")
--
-- Views whose tables have no parts yet are there, typed and empty. Only parts have columns: a folder that is named
-- like one (year=1999) adds and changes nothing.

-- Where the parts lie: the current folder, unless a program has said otherwise.
SET VARIABLE parts = coalesce(getvariable('parts'), '.');

-- generated from pmc15m/schema.py: begin (python -m pmc15m.query.generate)

SET VARIABLE catalog = (
  SELECT if(count(*) > 0,
    $$FROM read_parquet('$$ || replace(getvariable('parts') || '/catalog/catalog.parquet', $$'$$, $$''$$)
      || $$', hive_partitioning = false)$$,
    $$SELECT
      NULL::VARCHAR AS "pmcid", NULL::INTEGER AS "version", NULL::VARCHAR AS "change_token", NULL::TIMESTAMPTZ AS
      "last_modified", NULL::VARCHAR AS "locator", NULL::VARCHAR AS "state", NULL::VARCHAR AS "pmid", NULL::VARCHAR
      AS "doi", NULL::VARCHAR AS "journal", NULL::VARCHAR AS "issn", NULL::INTEGER AS "year", NULL::VARCHAR AS
      "licence_code", NULL::VARCHAR AS "licence_group", NULL::BOOLEAN AS "is_pmc_openaccess", NULL::BOOLEAN AS
      "is_manuscript", NULL::BOOLEAN AS "is_historical_ocr", NULL::BOOLEAN AS "is_retracted"
    WHERE false$$)
  FROM glob(getvariable('parts') || '/catalog/catalog.parquet'));
CREATE VIEW catalog AS FROM query(getvariable('catalog'));

SET VARIABLE raw = (
  SELECT if(count(*) > 0,
    $$FROM read_parquet('$$ || replace(getvariable('parts') || '/raw/[0-9]*.parquet', $$'$$, $$''$$)
      || $$', hive_partitioning = false)$$,
    $$SELECT
      NULL::VARCHAR AS "pmcid", NULL::INTEGER AS "version", NULL::VARCHAR AS "role", NULL::VARCHAR AS "member",
      NULL::VARCHAR AS "name", NULL::BIGINT AS "offset", NULL::BIGINT AS "size", NULL::VARCHAR AS "md5",
      NULL::VARCHAR AS "sha256", NULL::VARCHAR AS "published_md5", NULL::VARCHAR AS "format", NULL::VARCHAR AS
      "change_token", NULL::VARCHAR AS "status", NULL::VARCHAR AS "reason", NULL::VARCHAR AS "pmid", NULL::VARCHAR
      AS "doi", NULL::VARCHAR AS "licence_code", NULL::VARCHAR AS "licence_group", NULL::BOOLEAN AS
      "is_pmc_openaccess", NULL::BOOLEAN AS "is_manuscript", NULL::BOOLEAN AS "is_historical_ocr", NULL::BOOLEAN AS
      "is_retracted"
    WHERE false$$)
  FROM glob(getvariable('parts') || '/raw/[0-9]*.parquet'));
CREATE VIEW raw AS FROM query(getvariable('raw'));

SET VARIABLE articles = (
  SELECT if(count(*) > 0,
    $$FROM read_parquet('$$ || replace(getvariable('parts') || '/articles/[0-9]*.parquet', $$'$$, $$''$$)
      || $$', hive_partitioning = false)$$,
    $$SELECT
      NULL::VARCHAR AS "pmcid", NULL::INTEGER AS "version", NULL::VARCHAR AS "pmid", NULL::VARCHAR AS "doi",
      NULL::VARCHAR AS "title", NULL::VARCHAR AS "journal", NULL::VARCHAR AS "issn", NULL::VARCHAR AS "publisher",
      NULL::VARCHAR[] AS "authors", NULL::DATE AS "pub_date", NULL::VARCHAR AS "pub_date_precision", NULL::DATE AS
      "electronic_date", NULL::DATE AS "release_date", NULL::VARCHAR AS "article_type", NULL::VARCHAR AS "language",
      NULL::VARCHAR[] AS "subjects", NULL::VARCHAR[] AS "keywords", NULL::VARCHAR AS "abstract", NULL::VARCHAR AS
      "licence_code", NULL::VARCHAR AS "licence_url", NULL::VARCHAR AS "licence_group", NULL::VARCHAR AS
      "licence_statement", NULL::VARCHAR AS "copyright_statement", NULL::BOOLEAN AS "is_pmc_openaccess",
      NULL::BOOLEAN AS "is_retracted", NULL::BOOLEAN AS "is_manuscript", NULL::BOOLEAN AS "is_historical_ocr",
      NULL::VARCHAR[] AS "notices", NULL::VARCHAR[] AS "flags", NULL::VARCHAR AS "citation", NULL::VARCHAR AS
      "source", NULL::VARCHAR AS "shard", NULL::INTEGER AS "n_figures", NULL::INTEGER AS "n_media_unreferenced",
      NULL::VARCHAR AS "status", NULL::VARCHAR AS "reason"
    WHERE false$$)
  FROM glob(getvariable('parts') || '/articles/[0-9]*.parquet'));
CREATE VIEW articles AS FROM query(getvariable('articles'));

SET VARIABLE figures = (
  SELECT if(count(*) > 0,
    $$FROM read_parquet('$$ || replace(getvariable('parts') || '/figures/[0-9]*.parquet', $$'$$, $$''$$)
      || $$', hive_partitioning = false)$$,
    $$SELECT
      NULL::VARCHAR AS "figure_key", NULL::VARCHAR AS "pmcid", NULL::INTEGER AS "version", NULL::VARCHAR AS
      "figure_id", NULL::INTEGER AS "order", NULL::VARCHAR AS "kind", NULL::VARCHAR AS "origin", NULL::VARCHAR AS
      "sub_article_type", NULL::VARCHAR AS "label", NULL::VARCHAR AS "derived_label", NULL::VARCHAR AS "title",
      NULL::VARCHAR AS "caption", NULL::STRUCT("start" INTEGER, "end" INTEGER, "kind" VARCHAR)[] AS
      "caption_markup", NULL::STRUCT("place" INTEGER, "text" VARCHAR, "kind" VARCHAR)[] AS "caption_asides",
      NULL::VARCHAR AS "caption_source", NULL::VARCHAR AS "language", NULL::STRUCT("language" VARCHAR, "label"
      VARCHAR, "caption" VARCHAR)[] AS "other_captions", NULL::VARCHAR AS "group_id", NULL::VARCHAR AS
      "group_label", NULL::VARCHAR AS "group_caption", NULL::VARCHAR AS "section_path", NULL::STRUCT("section_path"
      VARCHAR, "paragraph" VARCHAR, "sentence" VARCHAR, "panels" VARCHAR[], "origin" VARCHAR, "basis" VARCHAR)[] AS
      "mentions", NULL::VARCHAR AS "attrib", NULL::VARCHAR AS "alt_text", NULL::VARCHAR AS "permissions",
      NULL::VARCHAR[] AS "rights", NULL::VARCHAR[] AS "media", NULL::INTEGER AS "n_graphics", NULL::VARCHAR AS
      "status", NULL::VARCHAR AS "reason"
    WHERE false$$)
  FROM glob(getvariable('parts') || '/figures/[0-9]*.parquet'));
CREATE VIEW figures AS FROM query(getvariable('figures'));

SET VARIABLE images = (
  SELECT if(count(*) > 0,
    $$FROM read_parquet('$$ || replace(getvariable('parts') || '/images/[0-9]*.parquet', $$'$$, $$''$$)
      || $$', hive_partitioning = false)$$,
    $$SELECT
      NULL::VARCHAR AS "image_key", NULL::VARCHAR AS "figure_key", NULL::VARCHAR AS "pmcid", NULL::INTEGER AS
      "version", NULL::INTEGER AS "graphic_index", NULL::VARCHAR AS "href", NULL::VARCHAR[] AS "alternatives",
      NULL::VARCHAR AS "file", NULL::VARCHAR AS "resolved_by", NULL::VARCHAR AS "shard", NULL::BIGINT AS "offset",
      NULL::BIGINT AS "size", NULL::VARCHAR AS "md5", NULL::VARCHAR AS "sha256", NULL::VARCHAR AS "format",
      NULL::VARCHAR AS "status", NULL::VARCHAR AS "reason"
    WHERE false$$)
  FROM glob(getvariable('parts') || '/images/[0-9]*.parquet'));
CREATE VIEW images AS FROM query(getvariable('images'));

SET VARIABLE pixels = (
  SELECT if(count(*) > 0,
    $$FROM read_parquet('$$ || replace(getvariable('parts') || '/pixels/[0-9]*.parquet', $$'$$, $$''$$)
      || $$', hive_partitioning = false)$$,
    $$SELECT
      NULL::VARCHAR AS "image_key", NULL::INTEGER AS "width", NULL::INTEGER AS "height", NULL::VARCHAR AS "mode",
      NULL::INTEGER AS "page", NULL::INTEGER AS "orientation", NULL::STRUCT("low" DOUBLE, "high" DOUBLE) AS
      "window", NULL::VARCHAR AS "pixel_sha256", NULL::UBIGINT AS "phash", NULL::VARCHAR AS "family", NULL::FLOAT AS
      "family_score", NULL::VARCHAR AS "kind", NULL::FLOAT AS "kind_score", NULL::FLOAT AS "brightness", NULL::FLOAT
      AS "entropy", NULL::FLOAT AS "white_share", NULL::FLOAT AS "colour_share", NULL::FLOAT AS "compound",
      NULL::INTEGER AS "n_panels", NULL::VARCHAR AS "status", NULL::VARCHAR AS "reason"
    WHERE false$$)
  FROM glob(getvariable('parts') || '/pixels/[0-9]*.parquet'));
CREATE VIEW pixels AS FROM query(getvariable('pixels'));

SET VARIABLE panels = (
  SELECT if(count(*) > 0,
    $$FROM read_parquet('$$ || replace(getvariable('parts') || '/panels/[0-9]*.parquet', $$'$$, $$''$$)
      || $$', hive_partitioning = false)$$,
    $$SELECT
      NULL::VARCHAR AS "panel_key", NULL::VARCHAR AS "image_key", NULL::VARCHAR AS "figure_key", NULL::VARCHAR AS
      "pmcid", NULL::INTEGER AS "version", NULL::INTEGER AS "order", NULL::VARCHAR AS "label", NULL::STRUCT("x0"
      INTEGER, "y0" INTEGER, "x1" INTEGER, "y1" INTEGER) AS "box", NULL::STRUCT("x0" INTEGER, "y0" INTEGER, "x1"
      INTEGER, "y1" INTEGER) AS "label_box", NULL::STRUCT("x0" INTEGER, "y0" INTEGER, "x1" INTEGER, "y1" INTEGER)[]
      AS "tiles", NULL::FLOAT AS "score", NULL::STRUCT("start" INTEGER, "end" INTEGER)[] AS "subcaption_spans",
      NULL::STRUCT("start" INTEGER, "end" INTEGER)[] AS "stem_spans", NULL::VARCHAR AS "subcaption",
      NULL::STRUCT("start" INTEGER, "end" INTEGER)[] AS "shared_spans", NULL::FLOAT AS "alignment_score",
      NULL::UBIGINT AS "phash", NULL::VARCHAR AS "family", NULL::FLOAT AS "family_score", NULL::VARCHAR AS "kind",
      NULL::FLOAT AS "kind_score", NULL::FLOAT AS "brightness", NULL::FLOAT AS "entropy", NULL::FLOAT AS
      "white_share", NULL::FLOAT AS "colour_share", NULL::VARCHAR AS "splitter", NULL::VARCHAR AS "status",
      NULL::VARCHAR AS "reason"
    WHERE false$$)
  FROM glob(getvariable('parts') || '/panels/[0-9]*.parquet'));
CREATE VIEW panels AS FROM query(getvariable('panels'));

SET VARIABLE captions = (
  SELECT if(count(*) > 0,
    $$FROM read_parquet('$$ || replace(getvariable('parts') || '/captions/[0-9]*.parquet', $$'$$, $$''$$)
      || $$', hive_partitioning = false)$$,
    $$SELECT
      NULL::VARCHAR AS "key", NULL::VARCHAR AS "level", NULL::VARCHAR AS "pmcid", NULL::INTEGER AS "version",
      NULL::VARCHAR AS "shard", NULL::INTEGER AS "n_chars", NULL::INTEGER AS "n_words", NULL::INTEGER AS "n_tokens",
      NULL::VARCHAR[] AS "modalities", NULL::UBIGINT AS "caption_hash", NULL::UBIGINT AS "caption_simhash",
      NULL::VARCHAR AS "language_guess", NULL::BOOLEAN AS "is_boilerplate"
    WHERE false$$)
  FROM glob(getvariable('parts') || '/captions/[0-9]*.parquet'));
CREATE VIEW captions AS FROM query(getvariable('captions'));

SET VARIABLE duplicates = (
  SELECT if(count(*) > 0,
    $$FROM read_parquet('$$ || replace(getvariable('parts') || '/duplicates/[0-9]*.parquet', $$'$$, $$''$$)
      || $$', hive_partitioning = false)$$,
    $$SELECT
      NULL::VARCHAR AS "key", NULL::VARCHAR AS "duplicate_group", NULL::INTEGER AS "group_size", NULL::BOOLEAN AS
      "is_keeper", NULL::VARCHAR AS "relation", NULL::INTEGER AS "distance", NULL::VARCHAR AS "split_article",
      NULL::INTEGER AS "benchmark_distance"
    WHERE false$$)
  FROM glob(getvariable('parts') || '/duplicates/[0-9]*.parquet'));
CREATE VIEW duplicates AS FROM query(getvariable('duplicates'));

SET VARIABLE caption_groups = (
  SELECT if(count(*) > 0,
    $$FROM read_parquet('$$ || replace(getvariable('parts') || '/caption_groups/[0-9]*.parquet', $$'$$, $$''$$)
      || $$', hive_partitioning = false)$$,
    $$SELECT
      NULL::VARCHAR AS "key", NULL::VARCHAR AS "caption_group", NULL::INTEGER AS "group_size", NULL::BOOLEAN AS
      "is_keeper", NULL::VARCHAR AS "relation", NULL::INTEGER AS "distance"
    WHERE false$$)
  FROM glob(getvariable('parts') || '/caption_groups/[0-9]*.parquet'));
CREATE VIEW caption_groups AS FROM query(getvariable('caption_groups'));

SET VARIABLE pairs = (
  SELECT if(count(*) > 0,
    $$FROM read_parquet('$$ || replace(getvariable('parts') || '/pairs/[0-9]*.parquet', $$'$$, $$''$$)
      || $$', hive_partitioning = false)$$,
    $$SELECT
      NULL::VARCHAR AS "pair_key", NULL::VARCHAR AS "level", NULL::VARCHAR AS "pmcid", NULL::INTEGER AS "version",
      NULL::VARCHAR AS "figure_key", NULL::VARCHAR AS "image_key", NULL::VARCHAR AS "panel_key", NULL::VARCHAR AS
      "shard", NULL::BIGINT AS "offset", NULL::BIGINT AS "size", NULL::STRUCT("x0" INTEGER, "y0" INTEGER, "x1"
      INTEGER, "y1" INTEGER) AS "box", NULL::INTEGER AS "width", NULL::INTEGER AS "height", NULL::VARCHAR AS
      "format", NULL::VARCHAR AS "label", NULL::VARCHAR AS "text", NULL::VARCHAR AS "context", NULL::INTEGER AS
      "n_chars", NULL::INTEGER AS "n_words", NULL::INTEGER AS "n_tokens", NULL::VARCHAR[] AS "modalities",
      NULL::UBIGINT AS "caption_hash", NULL::UBIGINT AS "caption_simhash", NULL::VARCHAR AS "caption_group",
      NULL::BOOLEAN AS "is_caption_duplicate", NULL::UBIGINT AS "article_hash", NULL::VARCHAR AS "journal",
      NULL::INTEGER AS "year", NULL::DATE AS "released", NULL::VARCHAR AS "article_type", NULL::VARCHAR AS
      "language", NULL::VARCHAR AS "language_guess", NULL::VARCHAR AS "licence_code", NULL::VARCHAR AS
      "licence_url", NULL::VARCHAR AS "licence_group", NULL::VARCHAR AS "figure_kind", NULL::VARCHAR AS "origin",
      NULL::VARCHAR AS "image_family", NULL::FLOAT AS "image_family_score", NULL::VARCHAR AS "image_kind",
      NULL::FLOAT AS "image_kind_score", NULL::FLOAT AS "alignment_score", NULL::INTEGER AS "n_panels", NULL::FLOAT
      AS "compound", NULL::FLOAT AS "entropy", NULL::FLOAT AS "white_share", NULL::FLOAT AS "colour_share",
      NULL::VARCHAR AS "sha256", NULL::UBIGINT AS "phash", NULL::VARCHAR AS "duplicate_group", NULL::BOOLEAN AS
      "is_duplicate", NULL::VARCHAR AS "split", NULL::VARCHAR[] AS "flags"
    WHERE false$$)
  FROM glob(getvariable('parts') || '/pairs/[0-9]*.parquet'));
CREATE VIEW pairs AS FROM query(getvariable('pairs'));
-- generated from pmc15m/schema.py: end

-- Every picture, with what decoding it told; `picture_status` is null while `split` has not seen it.
CREATE VIEW pictures AS
  SELECT images.*, pixels.* EXCLUDE (image_key, status, reason),
    pixels.status AS picture_status, pixels.reason AS picture_reason
  FROM images LEFT JOIN pixels USING (image_key);

CREATE VIEW figure_pairs AS FROM pairs WHERE level = 'figure';
CREATE VIEW panel_pairs AS FROM pairs WHERE level = 'panel';

-- What was lost, thing by thing: at which step and why. What a stage has not seen yet is lost there as not_yet_….
-- Each view joins only what was lost to the large tables, so that counting the losses of 15 million takes seconds.

-- Steps: fetched, parsed, with_figures.
CREATE VIEW lost_articles AS
  WITH fetched AS (SELECT pmcid, version, status, reason FROM raw WHERE role = 'article' AND status <> 'superseded')
  SELECT pmcid, version,
    CASE WHEN fetched.status IS NULL OR fetched.status NOT IN ('complete', 'partial') THEN 'fetched'
         WHEN articles.status IS NULL OR articles.status NOT IN ('ok', 'partial') THEN 'parsed'
         WHEN articles.n_figures = 0 THEN 'with_figures' END AS step,
    CASE step
      WHEN 'fetched' THEN
        coalesce(fetched.reason, fetched.status, if(catalog.state = 'removed', 'removed', 'not_fetched'))
      WHEN 'parsed' THEN coalesce(articles.reason, articles.status, 'not_yet_parsed')
      WHEN 'with_figures' THEN coalesce(articles.reason, 'no_figures') END AS reason
  FROM catalog FULL JOIN fetched USING (pmcid, version) LEFT JOIN articles USING (pmcid, version)
  WHERE step IS NOT NULL;

-- Steps: stored, decoded, paired (with the caption of its figure).
CREATE VIEW lost_images AS
  SELECT image_key, figure_key, pmcid, version, 'stored' AS step, reason FROM images WHERE status <> 'ok'
  UNION ALL
  SELECT image_key, figure_key, pmcid, version, 'decoded', 'not_yet_split'
  FROM images ANTI JOIN pixels USING (image_key) WHERE status = 'ok'
  UNION ALL
  SELECT image_key, figure_key, pmcid, version, 'decoded', pixels.reason
  FROM images JOIN pixels USING (image_key) WHERE images.status = 'ok' AND pixels.status = 'dropped'
  UNION ALL
  SELECT image_key, figure_key, images.pmcid, images.version, 'paired', coalesce(figures.reason, 'not_yet_curated')
  FROM images
    JOIN (SELECT image_key FROM pixels ANTI JOIN figure_pairs USING (image_key) WHERE status <> 'dropped')
      USING (image_key)
    LEFT JOIN figures USING (figure_key)
  WHERE images.status = 'ok';

-- Steps: captioned, pictured (at least one picture was stored), decoded, paired. A figure is lost where the last of
-- its pictures was.
CREATE VIEW lost_figures AS
  WITH lost AS (
    SELECT figure_key, count(*) AS n_lost,
      max({position: list_position(['stored', 'decoded', 'paired'], step), reason: reason}) AS last
    FROM lost_images GROUP BY figure_key)
  SELECT figure_key, pmcid, version,
    if(reason IN ('no_graphic', 'empty_href', 'not_an_image'), 'pictured', 'captioned') AS step, reason
  FROM figures WHERE status <> 'ok'
  UNION ALL
  SELECT figure_key, pmcid, version, 'pictured', 'no_graphic' FROM figures WHERE status = 'ok' AND n_graphics = 0
  UNION ALL
  SELECT figure_key, pmcid, version, ['pictured', 'decoded', 'paired'][last.position], last.reason
  FROM figures JOIN lost USING (figure_key) WHERE status = 'ok' AND n_lost >= n_graphics;

-- Steps: described (a sub-caption belongs to it), paired.
CREATE VIEW lost_panels AS
  SELECT panel_key, pmcid, version, 'described' AS step, reason FROM panels WHERE status <> 'ok'
  UNION ALL
  SELECT panel_key, pmcid, version, 'paired', 'not_yet_curated'
  FROM panels ANTI JOIN panel_pairs USING (panel_key) WHERE status = 'ok';

-- One row a reason: how many of which things were lost at which step, with three of their keys.
CREATE VIEW drops AS
  WITH lost AS (
    SELECT 'article' AS thing, step, reason, pmcid || '.' || version AS key FROM lost_articles
    UNION ALL SELECT 'figure', step, reason, figure_key FROM lost_figures
    UNION ALL SELECT 'image', step, reason, image_key FROM lost_images
    UNION ALL SELECT 'panel', step, reason, panel_key FROM lost_panels)
  SELECT thing, step, reason, count(*) AS n, min_by(key, hash(key), 3) AS samples FROM lost GROUP BY ALL;

-- One row a step: in = out + the drops of that step; out of a step = in of the thing's next one.
CREATE VIEW funnel AS
  WITH steps(position, thing, step) AS (VALUES
    (1, 'article', 'fetched'), (2, 'article', 'parsed'), (3, 'article', 'with_figures'),
    (4, 'figure', 'captioned'), (5, 'figure', 'pictured'), (6, 'figure', 'decoded'), (7, 'figure', 'paired'),
    (8, 'image', 'stored'), (9, 'image', 'decoded'), (10, 'image', 'paired'),
    (11, 'panel', 'described'), (12, 'panel', 'paired')),
  totals AS (
    SELECT 'article' AS thing, count(*) AS total FROM catalog
      FULL JOIN (SELECT pmcid, version FROM raw WHERE role = 'article' AND status <> 'superseded') USING (pmcid, version)
    UNION ALL SELECT 'figure', count(*) FROM figures
    UNION ALL SELECT 'image', count(*) FROM images
    UNION ALL SELECT 'panel', count(*) FROM panels),
  lost AS (SELECT thing, step, sum(n)::BIGINT AS n FROM drops GROUP BY ALL)
  SELECT position, thing, step,
    (total - sum(coalesce(n, 0)) OVER (PARTITION BY thing ORDER BY position) + coalesce(n, 0))::BIGINT AS rows_in,
    (total - sum(coalesce(n, 0)) OVER (PARTITION BY thing ORDER BY position))::BIGINT AS rows_out
  FROM steps JOIN totals USING (thing) LEFT JOIN lost USING (thing, step)
  ORDER BY position;
