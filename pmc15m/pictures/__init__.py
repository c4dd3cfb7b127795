"""One picture: its bytes decoded, its hashes, features and kind, and how small networks are run. No tables, no config.

`figures` looks at what is decoded here; `split`, `curate` and `export` decode by the same function, so that a pixel is
the same everywhere.
"""
