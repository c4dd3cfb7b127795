"""The stages of the chain that map one shard each, declared apart from their code.

So that `status`, which compares fingerprints alone, loads no decoder, no network and no parser.
"""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from pmc15m.config import Config
from pmc15m.engine.stage import Stage
from pmc15m.weights import FILES
from pmc15m.workspace import Workspace


def _parse(workspace: Workspace, shard: str, config: Config) -> Mapping[str, pa.Table]:
    from pmc15m.parse import parse_shard

    return parse_shard(workspace, shard, config)


def _split(workspace: Workspace, shard: str, config: Config) -> Mapping[str, pa.Table]:
    from pmc15m.split import split_shard

    return split_shard(workspace, shard, config)


def _captions(workspace: Workspace, shard: str, config: Config) -> Mapping[str, pa.Table]:
    from pmc15m.curate.stage import captions_of_shard

    return captions_of_shard(workspace, shard, config)


def _pairs(workspace: Workspace, shard: str, config: Config) -> Mapping[str, pa.Table]:
    from pmc15m.curate.stage import pairs_of_shard

    return pairs_of_shard(workspace, shard, config)


TEXTS_SQL, CAPTIONS_SQL, PAIRS_SQL = (
    Path(__file__).with_name("curate") / f"{name}.sql" for name in ("texts", "captions", "pairs")
)
PARSE = Stage(
    name="parse",
    version=5,
    reads=("raw",),
    writes=("figures", "images", "articles"),
    section="parse",
    run=_parse,
)
SPLIT = Stage(
    name="split",
    version=11,
    reads=("images", "figures"),
    writes=("panels", "pixels"),
    section="split",
    run=_split,
    assets=FILES,
)
CAPTIONS = Stage(
    name="captions",
    version=5,
    reads=("figures", "images", "pixels", "panels"),
    writes=("captions",),
    section=None,
    run=_captions,
    assets=(TEXTS_SQL, CAPTIONS_SQL),
)
PAIRS = Stage(
    name="curate",
    version=4,
    reads=("articles", "figures", "images", "pixels", "panels", "captions", "duplicates", "caption_groups"),
    writes=("pairs",),
    section="curate",
    run=_pairs,
    assets=(TEXTS_SQL, PAIRS_SQL),
)
