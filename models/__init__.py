"""What makes the trained files of `pmc15m/weights`: drawings to learn from, networks, small fits. Ships nothing.

`benchmarks/` measures and imports none of this; this imports the toolkit and never `benchmarks/`.
"""
