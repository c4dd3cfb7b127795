-- Pairs whose text names a modality: CT, MRI, histology ….
-- One scan with one alternation of all the words; each word found, in lower case, is a key of the map.
-- Abbreviations count in capitals only: "Ct values" are no computed tomography.
WITH named AS (
  SELECT level, licence_group, year,
    regexp_extract_all(text, '\b(?:CT|MRI|fMRI|PET|SPECT|OCT|ECG|EEG|FACS)\b|H&E|(?i:computed tomogra|magnetic resonance'
      || '|positron emission|scintigra|radiogra|x-ray|angiogra|ultraso|sonogra|echocardiogra|endoscop|fundus'
      || '|optical coherence|dermosco|histolog|histopatholog|hematoxylin|haematoxylin|immunohistochem|immunofluoresc'
      || '|confocal|electron microgra|electron microscop|western blot|immunoblot|flow cytomet)') AS words
  FROM pairs),
modalities AS (
  SELECT level, licence_group, year, unnest(list_distinct(list_transform(words, lambda word: MAP {
    'ct': 'CT', 'computed tomogra': 'CT', 'mri': 'MRI', 'fmri': 'MRI', 'magnetic resonance': 'MRI',
    'pet': 'nuclear', 'spect': 'nuclear', 'positron emission': 'nuclear', 'scintigra': 'nuclear',
    'radiogra': 'radiography', 'x-ray': 'radiography', 'angiogra': 'angiography',
    'ultraso': 'ultrasound', 'sonogra': 'ultrasound', 'echocardiogra': 'ultrasound',
    'endoscop': 'endoscopy', 'fundus': 'ophthalmology', 'oct': 'ophthalmology', 'optical coherence': 'ophthalmology',
    'dermosco': 'dermoscopy', 'ecg': 'electrophysiology', 'eeg': 'electrophysiology',
    'histolog': 'histology', 'histopatholog': 'histology', 'hematoxylin': 'histology', 'haematoxylin': 'histology',
    'h&e': 'histology', 'immunohistochem': 'immunohistochemistry', 'immunofluoresc': 'fluorescence',
    'confocal': 'fluorescence', 'electron microgra': 'electron microscopy', 'electron microscop': 'electron microscopy',
    'western blot': 'blot', 'immunoblot': 'blot', 'flow cytomet': 'flow cytometry', 'facs': 'flow cytometry'
  }[lower(word)]))) AS modality
  FROM named)
SELECT modality, count(*) FILTER (level = 'figure') AS figure_pairs, count(*) FILTER (level = 'panel') AS panel_pairs,
  count(*) FILTER (licence_group = 'commercial') AS commercial_pairs
FROM modalities GROUP BY modality ORDER BY figure_pairs DESC, panel_pairs DESC, modality;
