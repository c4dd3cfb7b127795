"""Captions as duplicates: what stays of a text when spelling, case and punctuation are set aside."""

import duckdb


def define_normalised(connection: duckdb.DuckDBPyConnection) -> None:
    """Give the connection `normalised(text)`: lower case, letters and digits, single blanks between."""
    connection.execute(
        r"""CREATE OR REPLACE TEMP MACRO normalised(text) AS
            trim(regexp_replace(lower(nfc_normalize(text)), '[^\p{L}\p{N}]+', ' ', 'g'))"""
    )
