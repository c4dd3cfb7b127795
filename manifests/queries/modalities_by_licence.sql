-- Pairs of both levels by the modality that they name and the group of their licence.
WITH counts AS (
  SELECT modality, licence_group, count(*) AS pairs
  FROM (SELECT unnest(modalities) AS modality, licence_group FROM pairs) GROUP BY ALL)
FROM counts ORDER BY sum(pairs) OVER (PARTITION BY modality) DESC, modality, pairs DESC, licence_group;
