"""The networks of `pmc15m.figures`, trained on synthetic figures: label reader and figure network."""
