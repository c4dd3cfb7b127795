"""The shape that most articles have."""

from pmc15m.demo.builder import Builder


def ordinary(b: Builder) -> None:
    """Two to four figures in the Results section."""
    for _ in range(int(b.rng.integers(2, 5))):
        b.figure()
