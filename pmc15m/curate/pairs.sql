-- One shard's pairs, from the parts of that shard. Figures first, panels after them, each in the order of their keys.
WITH paired AS (
  SELECT image_key AS pair_key, figure_key, image_key, NULL::VARCHAR AS panel_key, figure_key AS text_key, NULL AS box,
    width, height, coalesce(label, derived_label) AS label,
    pictures.family AS image_family, family_score AS image_family_score,
    pictures.kind AS image_kind, kind_score AS image_kind_score, NULL::FLOAT AS alignment_score, phash,
    entropy, white_share, colour_share
  FROM pictures JOIN figures USING (figure_key)
  UNION ALL
  SELECT panel_key, panels.figure_key, image_key, panel_key, panel_key, panels.box,
    panels.box.x1 - panels.box.x0, panels.box.y1 - panels.box.y0,
    concat_ws(' ', coalesce(figures.label, derived_label), panels.label),
    panels.family, panels.family_score, panels.kind, panels.kind_score, panels.alignment_score, panels.phash,
    panels.entropy, panels.white_share, panels.colour_share
  FROM panels JOIN figures USING (figure_key))

SELECT paired.pair_key, texts.level, pictures.pmcid, pictures.version, paired.figure_key, paired.image_key, paired.panel_key,
  pictures.shard, pictures."offset", pictures.size, paired.box, paired.width, paired.height, pictures.format,
  paired.label, texts.text, texts.context, n_chars, n_words, n_tokens, modalities, caption_hash, caption_simhash,
  caption_group, NOT coalesce(caption_groups.is_keeper, true) AS is_caption_duplicate,
  md5_number_lower(pictures.pmcid) AS article_hash,
  journal, year(pub_date) AS year, coalesce(release_date, pub_date) AS released, article_type,
  coalesce(figures.language, articles.language) AS language, language_guess,
  licence_code, licence_url, licence_group, figures.kind AS figure_kind, figures.origin,
  paired.image_family, paired.image_family_score, paired.image_kind, paired.image_kind_score, paired.alignment_score,
  pictures.n_panels, compound, paired.entropy, paired.white_share, paired.colour_share, pictures.sha256, paired.phash,
  if(duplicates.group_size > 1, duplicate_group, NULL) AS duplicate_group,
  NOT coalesce(duplicates.is_keeper, true) AS is_duplicate,
  split_of(coalesce(split_article, pictures.pmcid)) AS split,
  list_filter([
    if(is_retracted, 'retracted', NULL),
    if(NOT is_pmc_openaccess, 'not_open_access', NULL),
    if(len(rights) > 0, 'own_rights', NULL),
    if(figures.n_graphics > 1, 'several_graphics', NULL),
    if(pictures.n_panels > 1, 'compound', NULL),
    if(is_boilerplate, 'boilerplate_caption', NULL),
    if(benchmark_distance IS NOT NULL, 'near_benchmark', NULL)], lambda flag: flag IS NOT NULL) AS flags
FROM paired
JOIN texts ON texts.key = text_key
JOIN captions ON captions.key = text_key
JOIN pictures USING (image_key)
JOIN figures ON figures.figure_key = paired.figure_key
JOIN articles ON articles.pmcid = pictures.pmcid AND articles.version = pictures.version
LEFT JOIN duplicates ON duplicates.key = paired.pair_key
LEFT JOIN caption_groups ON caption_groups.key = text_key
ORDER BY texts.level, paired.pair_key
