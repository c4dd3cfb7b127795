"""The tables that lie in parts, by name, and the version of their columns; apart from `schema`, which loads Arrow."""

# It changes when a column changes its name, type or meaning; parts of another version are stale.
SCHEMA_VERSION = 2

# One part a raw shard, in the order of the flow.
TABLES = ("articles", "figures", "images", "pixels", "panels", "captions", "duplicates", "caption_groups", "pairs")
