"""The linear models of `pmc15m.figures.captions`: what is a marker, where the legend begins, how sure a text is."""
