-- What one shard's pairs are made of: pictures that can be seen, and the texts that belong to them.
CREATE OR REPLACE TEMP VIEW pictures AS
  SELECT images.*, pixels.* EXCLUDE (image_key, status, reason), pixels.status AS picture_status
  FROM images JOIN pixels USING (image_key)
  WHERE images.status = 'ok' AND pixels.status <> 'dropped';

-- One row a text: a figure's (the same for all its pictures) or a panel's.
CREATE OR REPLACE TEMP VIEW texts AS
  WITH captioned AS (
    SELECT *, coalesce(nullif(trim(caption), ''), trim(group_caption)) AS text,
      if(trim(caption) <> '', nullif(trim(group_caption), ''), NULL) AS around
    FROM figures WHERE status = 'ok' AND coalesce(nullif(trim(caption), ''), trim(group_caption), '') <> ''),
  described AS (
    -- in the order of the caption: the words that a sentence shares stand where they were
    SELECT panels.*, text_of(caption, list_concat(shared_spans, subcaption_spans)) AS whole
    FROM panels JOIN captioned USING (figure_key) WHERE panels.status = 'ok')
  SELECT figure_key AS key, 'figure' AS level, pmcid, version, shard,
    text, nullif(concat_ws(' ', around, text), text) AS context
  FROM captioned JOIN (SELECT figure_key, any_value(shard) AS shard FROM pictures GROUP BY figure_key) USING (figure_key)
  UNION ALL
  SELECT panel_key, 'panel', described.pmcid, described.version, pictures.shard,
    subcaption, nullif(whole, subcaption)
  FROM described JOIN pictures USING (image_key);
