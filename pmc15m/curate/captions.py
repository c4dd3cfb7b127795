"""Captions as duplicates: a hash of what stays when case and punctuation are set aside, and a fingerprint that is
near for near texts."""

import hashlib
import re
from collections.abc import Sequence

import duckdb
import numpy as np
import pyarrow as pa
from duckdb.func import PythonUDFType
from numpy.typing import NDArray

# Only a label ("Figure 2.", "Supplementary Figure S1", "Graphical abstract"), or only a pointer ("See text.").
_BOILERPLATE = (
    r"^\W*((supplementa\w*|supporting|additional|online|extended data|graphical|visual)\W*)?"
    r"(fig(ure|s)?|scheme|chart|plate|image|photo(graph)?|table|abstract|file|information|data|box|map)?\W*"
    r"[a-z]{0,2}\W*\d{0,3}\W*[a-z]?\W*$"
    r"|^\W*(please )?(see|refer to) (the )?(main )?(text|legend|caption|article|body|below|above)\b.{0,40}$"
    r"|^.{0,60}click here (for|to) .{0,60}$"
)
_WORD = re.compile(r"[^\W_]+")
_SHINGLE = 3  # words
_LEAST_WORDS = 8  # shorter captions have too few shingles for a fingerprint that means something


def define_text_of(connection: duckdb.DuckDBPyConnection) -> None:
    """Give the connection `text_of(caption, spans)`: the text that `split` would give the spans."""
    from pmc15m.figures.captions import text_of  # here, so that `status` answers without loading the splitter

    def texts(captions: pa.ChunkedArray, spans: pa.ChunkedArray) -> pa.Array:
        pieces = ([(span["start"], span["end"]) for span in row] for row in spans.to_pylist())
        return pa.array(map(text_of, captions.to_pylist(), pieces), pa.string())

    listed = duckdb.list_type(duckdb.struct_type({"start": "INTEGER", "end": "INTEGER"}))
    connection.create_function("text_of", texts, [duckdb.type("VARCHAR"), listed], "VARCHAR", type=PythonUDFType.ARROW)


def define_normalised(connection: duckdb.DuckDBPyConnection) -> None:
    """Give the connection `normalised(text)`: lower case, letters and digits, single blanks between."""
    connection.execute(
        r"""CREATE OR REPLACE TEMP MACRO normalised(text) AS
            trim(regexp_replace(lower(nfc_normalize(text)), '[^\p{L}\p{N}]+', ' ', 'g'))"""
    )


def define_is_boilerplate(connection: duckdb.DuckDBPyConnection) -> None:
    """Give the connection `is_boilerplate(text)`: a caption that names or points, and describes nothing."""
    connection.execute(
        f"CREATE OR REPLACE TEMP MACRO is_boilerplate(text) AS regexp_matches(text, '{_BOILERPLATE}', 'i')"
    )


def simhashes(texts: Sequence[str]) -> list[int | None]:
    """64-bit fingerprints whose Hamming distance grows with the share of words in which two texts differ.

    SimHash over the distinct runs of three words: M. S. Charikar, STOC 2002; for near duplicates at 3 bits of 64 see
    Manku, Jain, Das Sarma, WWW 2007. None for texts below eight words. `neardup.near_pairs` finds the near ones.
    """
    return [_simhash(_WORD.findall(text.lower())) for text in texts]


def _simhash(words: list[str]) -> int | None:
    if len(words) < _LEAST_WORDS:
        return None
    shingles = sorted({" ".join(words[n : n + _SHINGLE]) for n in range(len(words) - _SHINGLE + 1)})
    digests = b"".join(hashlib.blake2b(shingle.encode(), digest_size=8).digest() for shingle in shingles)
    bits: NDArray[np.uint8] = np.unpackbits(np.frombuffer(digests, np.uint8).reshape(-1, 8), axis=1)
    return int.from_bytes(np.packbits(2 * bits.sum(axis=0, dtype=np.int64) > len(bits)).tobytes(), "big")
