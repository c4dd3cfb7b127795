"""From a source to raw shards: catalog, selection, plan, fetching, verification."""
