"""`verify`: re-read every byte of the raw shards."""

import hashlib
import logging

import pyarrow.parquet as pq

from pmc15m.errors import ExitCode
from pmc15m.workspace import Workspace

log = logging.getLogger(__name__)


def verify(workspace: Workspace) -> ExitCode:
    """Compare every stored object with its sha256; what is wrong is said, a line each."""
    wrong = 0
    for shard in workspace.shards():
        for row in pq.read_table(workspace.part("raw", shard)).to_pylist():
            if row["offset"] is None:
                continue
            try:
                content = workspace.read(shard, row["offset"], row["size"])
            except OSError as error:
                log.error("shard %s: %s: %s", shard, row["member"], error)
                wrong += 1
                continue
            if hashlib.sha256(content).hexdigest() != row["sha256"]:
                log.error("shard %s: %s does not have its sha256", shard, row["member"])
                wrong += 1
    return ExitCode.INCOMPLETE if wrong else ExitCode.COMPLETE
