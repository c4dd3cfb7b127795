"""The stages of the chain that map one shard each, declared apart from their code.

So that `status`, which compares fingerprints alone, loads no decoder, no network and no parser.
"""

from collections.abc import Mapping

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


PARSE = Stage(
    name="parse",
    version=4,
    reads=("raw",),
    writes=("figures", "images", "articles"),
    section="parse",
    run=_parse,
)
SPLIT = Stage(
    name="split",
    version=8,
    reads=("images", "figures"),
    writes=("panels", "pixels"),
    section="split",
    run=_split,
    assets=FILES,
)
