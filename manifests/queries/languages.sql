-- Pairs by language of the caption: as the article says, else by a guess from the words.
SELECT coalesce(language, language_guess) AS language,
  count(*) FILTER (level = 'figure') AS figure_pairs, count(*) FILTER (level = 'panel') AS panel_pairs,
  count(*) FILTER (language IS NULL AND language_guess IS NOT NULL) AS guessed_pairs
FROM pairs GROUP BY coalesce(language, language_guess) ORDER BY figure_pairs DESC, panel_pairs DESC, language;
