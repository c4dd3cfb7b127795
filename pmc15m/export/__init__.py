"""Self-contained, deterministic training shards out of the pairs that a recipe keeps.

    <export>/data/{train,val,test}-NNNNN-of-NNNNN.tar   WebDataset shards (or .parquet parts of a Hugging Face data set)
    <export>/data/sizes.json                            samples a shard, as open_clip reads it
    <export>/{train,val,test}/                          pictures, in the formats that have files of them (`folder`)
    <export>/attribution.csv                            title, journal, licence and identifiers of every article
    <export>/README.md, croissant.json                  the data card, with the recipe's funnel; the same for machines
    <export>/manifest.json, CHANGES.parquet             the release: its parts with their sha256, and what it changed
    <export>/export.json                                counts and the fingerprint
    <export>/.pmc15m/plan.parquet                       the shards, each with its fingerprint
    <export>/.pmc15m/{train,val,test}-NNNNN.parquet     every planned pair with its outcome: the shard's completeness

Same pairs, recipe and configuration, same bytes: the order is by hash of the pair's key, tar headers are constant.
Where pairs change, the shards of their articles are written again and no others.
"""
