"""`pmc15m parse` whose units tell where they run and wait: `python -m tests.chain.held FOLDER ARGUMENT …`.

Each writes its node and its shard into the pipe FOLDER/told, and goes on when somebody has opened FOLDER/go.
"""

import dataclasses
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from pmc15m import cli, stages
from pmc15m.config import Config
from pmc15m.workspace import Workspace


@dataclass(frozen=True)
class Held:
    """What parses a shard, once it may."""

    folder: Path

    def __call__(self, workspace: Workspace, shard: str, config: Config) -> Mapping[str, pa.Table]:
        import ray

        with open(self.folder / "told", "w") as told:
            told.write(f"{ray.get_runtime_context().get_node_id()} {shard}\n")
        os.close(os.open(self.folder / "go", os.O_RDONLY))
        return stages.PARSE.run(workspace, shard, config)


if __name__ == "__main__":
    from tests.chain.held import Held  # not of __main__, which Ray's workers do not have

    stages.PARSE = dataclasses.replace(stages.PARSE, run=Held(Path(sys.argv[1])))
    sys.exit(cli.main(["parse", *sys.argv[2:]]))
