"""Train, val and test by article, stable when the data grows.

The article decides, by a hash of its PMCID: a new article changes nobody's split. Articles that share a duplicate
picture or a long caption stand on the same side: all take the split of the one with the smallest PMC number. Numbers
are given in order, so what comes later joins what is there and does not move it.
"""

import enum

import duckdb

LONG_CAPTION = 20  # words; shorter ones are alike by chance ("Axial chest CT image showing a nodule in the left lung")


class Split(enum.StrEnum):
    """What a pair is for."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


def define_split_of(connection: duckdb.DuckDBPyConnection, val_share: float, test_share: float) -> None:
    """Give the connection `split_of(pmcid)`.

    It uses the upper half of the PMCID's MD5; `pairs.article_hash`, by which people sample, is the lower half, so
    that a sample keeps the shares of the splits.
    """
    connection.execute(
        f"""CREATE OR REPLACE TEMP MACRO split_of(pmcid) AS
            CASE WHEN md5_number_upper(pmcid) / 18446744073709551616.0 < {test_share!r} THEN '{Split.TEST}'
                 WHEN md5_number_upper(pmcid) / 18446744073709551616.0 < {test_share + val_share!r} THEN '{Split.VAL}'
                 ELSE '{Split.TRAIN}' END"""
    )
