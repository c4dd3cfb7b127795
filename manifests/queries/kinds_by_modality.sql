-- Pairs of both levels by the modality that they name and the kind of their picture.
WITH counts AS (
  SELECT modality, image_kind, count(*) AS pairs
  FROM (SELECT unnest(modalities) AS modality, image_kind FROM pairs) GROUP BY ALL)
FROM counts ORDER BY sum(pairs) OVER (PARTITION BY modality) DESC, modality, pairs DESC, image_kind;
