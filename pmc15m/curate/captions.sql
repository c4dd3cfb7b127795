-- What one shard's texts say of themselves, in the order of their keys.
-- Modalities: a panel's own words tell more of it than what it shares with others ("CT and MRI of the chest"), which
-- is asked only where they name none.
SELECT key, level, pmcid, version, shard, text,
  length(text) AS n_chars,
  len(regexp_split_to_array(trim(text), '\s+')) AS n_words,
  len(regexp_extract_all(text, '[\p{L}\p{N}]+|[^\s\p{L}\p{N}]')) AS n_tokens,
  md5_number_lower(normalised(text)) AS caption_hash,
  coalesce(nullif(modalities_of(text), []), modalities_of(context), []) AS modalities,
  is_boilerplate(text) AS is_boilerplate
FROM texts ORDER BY level, key
