-- Pairs whose caption names a modality: CT, MRI, histology ….
SELECT modality, count(*) FILTER (level = 'figure') AS figure_pairs, count(*) FILTER (level = 'panel') AS panel_pairs,
  count(*) FILTER (licence_group = 'commercial') AS commercial_pairs
FROM (SELECT unnest(modalities) AS modality, level, licence_group FROM pairs)
GROUP BY modality ORDER BY figure_pairs DESC, panel_pairs DESC, modality;
