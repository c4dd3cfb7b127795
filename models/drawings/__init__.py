"""Drawn pictures of every kind: what the network of kinds learns from, and what fills panels of synthetic figures."""
