-- One shard's pairs, from the parts of that shard. Figures first, panels after them, each in the order of their keys.
WITH pictures AS (
  SELECT images.*, pixels.* EXCLUDE (image_key, status, reason), pixels.status AS picture_status
  FROM images JOIN pixels USING (image_key)
  WHERE images.status = 'ok' AND pixels.status <> 'dropped'),

captioned AS (
  SELECT *, coalesce(nullif(trim(caption), ''), trim(group_caption)) AS text,
    if(trim(caption) <> '', nullif(trim(group_caption), ''), NULL) AS around
  FROM figures WHERE status = 'ok' AND coalesce(nullif(trim(caption), ''), trim(group_caption), '') <> ''),

described AS (
  SELECT panels.*, captioned.caption,
    array_to_string(list_transform(shared_spans, lambda span: caption[span."start" + 1 : span."end"]), ' ') AS shared
  FROM panels JOIN captioned USING (figure_key)
  WHERE panels.status = 'ok' AND trim(coalesce(subcaption, '')) <> ''),

paired AS (
  SELECT image_key AS pair_key, 'figure' AS level, figure_key, image_key, NULL::VARCHAR AS panel_key, NULL AS box,
    width, height, coalesce(label, derived_label) AS label, text, concat_ws(' ', around, text) AS context,
    pictures.kind AS image_kind, kind_score AS image_kind_score, NULL::FLOAT AS alignment_score, phash,
    entropy, white_share, colour_share
  FROM pictures JOIN captioned USING (figure_key)
  UNION ALL
  SELECT panel_key, 'panel', described.figure_key, image_key, panel_key, described.box,
    described.box.x1 - described.box.x0, described.box.y1 - described.box.y0,
    concat_ws(' ', coalesce(captioned.label, derived_label), described.label), trim(subcaption),
    concat_ws(' ', nullif(trim(shared), ''), trim(subcaption)),
    described.kind, described.kind_score, described.alignment_score, described.phash,
    described.entropy, described.white_share, described.colour_share
  FROM described JOIN pictures USING (image_key) JOIN captioned ON captioned.figure_key = described.figure_key)

SELECT paired.pair_key, paired.level, pictures.pmcid, pictures.version, paired.figure_key, paired.image_key, paired.panel_key,
  pictures.shard, pictures."offset", pictures.size, paired.box, paired.width, paired.height, pictures.format,
  paired.label, paired.text, nullif(paired.context, paired.text) AS context,
  length(paired.text) AS n_chars,
  len(regexp_split_to_array(trim(paired.text), '\s+')) AS n_words,
  len(regexp_extract_all(paired.text, '[\p{L}\p{N}]+|[^\s\p{L}\p{N}]')) AS n_tokens,
  md5_number_lower(normalised(paired.text)) AS caption_hash,
  md5_number_lower(pictures.pmcid) AS article_hash,
  journal, year(pub_date) AS year, coalesce(release_date, pub_date) AS released, article_type, coalesce(figures.language, articles.language) AS language,
  licence_code, licence_url, licence_group, figures.kind AS figure_kind, figures.origin,
  paired.image_kind, paired.image_kind_score, paired.alignment_score,
  pictures.n_panels, compound, paired.entropy, paired.white_share, paired.colour_share, pictures.sha256, paired.phash,
  if(group_size > 1, duplicate_group, NULL) AS duplicate_group, NOT coalesce(is_keeper, true) AS is_duplicate,
  split_of(coalesce(split_article, pictures.pmcid)) AS split,
  list_filter([
    if(is_retracted, 'retracted', NULL),
    if(NOT is_pmc_openaccess, 'not_open_access', NULL),
    if(len(rights) > 0, 'own_rights', NULL),
    if(figures.n_graphics > 1, 'several_graphics', NULL),
    if(pictures.n_panels > 1, 'compound', NULL),
    if(is_boilerplate(paired.text), 'boilerplate_caption', NULL),
    if(benchmark_distance IS NOT NULL, 'near_benchmark', NULL)], lambda flag: flag IS NOT NULL) AS flags
FROM paired
JOIN pictures USING (image_key)
JOIN figures ON figures.figure_key = paired.figure_key
JOIN articles ON articles.pmcid = pictures.pmcid AND articles.version = pictures.version
LEFT JOIN duplicates ON duplicates.key = paired.pair_key
ORDER BY paired.level, paired.pair_key
