"""Drawn pictures of every kind, and the network that learns to name kinds from them."""
