"""Training of the networks that `pmc15m.figures` ships: synthetic figures, training, validation, model card."""
