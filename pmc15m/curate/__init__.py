"""From figures and panels to pairs: hashes, duplicates, splits, recipes."""
