"""Self-contained, deterministic training shards out of the pairs that a recipe keeps.

    <export>/plan.parquet                     the kept pairs in export order, one row group a shard
    <export>/{train,val,test}/NNNNN.tar       WebDataset shards (or NNNNN.parquet parts of a Hugging Face data set)
    <export>/{train,val,test}/NNNNN.parquet   every planned pair with its outcome: the shard's completeness
    <export>/{train,val,test}/sizes.json      samples a shard, as open_clip reads it
    <export>/attribution.csv                  title, journal, licence and identifiers of every article
    <export>/README.md                        the data card, with the recipe's funnel
    <export>/export.json                      counts and the fingerprint

Same pairs, recipe and configuration, same bytes: the order is by hash of the pair's key, tar headers are constant.
"""

from pmc15m.export.stage import checks, export, export_state, other_states, update_exports

__all__ = ["checks", "export", "export_state", "other_states", "update_exports"]
