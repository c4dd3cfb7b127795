"""WordPiece: trained here, read from a folder, encoded and padded."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tokenizers import BertWordPieceTokenizer
from transformers import AutoTokenizer

from tests.train.drawn_pairs import draw_pair, write_parquet
from train import tokens
from train.errors import DataError
from train.shards import open_split
from train.tokens import SPECIAL, Captions, encode, load_tokenizer, train_tokenizer

TEXTS = [draw_pair(seed)[1] for seed in range(60)]


def test_rows_begin_and_end_as_bert_wants_and_are_padded_with_0() -> None:
    tokenizer = train_tokenizer(TEXTS, 200)
    short, long = encode(tokenizer, ["red cells", "red cells after 3 days"], 16)
    cls, sep = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    assert short[0] == long[0] == cls
    assert list(short).index(sep) == 3
    assert not short[4:].any()
    assert long[-1] == sep


def test_long_captions_are_cut_to_the_context_with_their_end_mark() -> None:
    tokenizer = train_tokenizer(TEXTS, 200)
    (row,) = encode(tokenizer, ["blue bands after 3 days " * 20], 10)
    assert len(row) == 10
    assert row[-1] == tokenizer.token_to_id("[SEP]")


def test_case_does_not_matter_and_letters_never_seen_are_unknown() -> None:
    tokenizer = train_tokenizer(TEXTS, 200)
    assert encode(tokenizer, ["Red CELLS"], 9).tolist() == encode(tokenizer, ["red cells"], 9).tolist()
    assert encode(tokenizer, ["细胞"], 9)[0][1] == tokenizer.token_to_id("[UNK]")


def test_an_empty_caption_is_two_marks() -> None:
    assert encode(train_tokenizer(TEXTS, 200), [""], 9).shape == (1, 2)


@pytest.mark.parametrize("two_bytes", [1 << 16, 100])
def test_captions_are_made_once_and_are_what_they_are_anew(
    tmp_path: Path, two_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    split, tokenizer = open_split(write_parquet(tmp_path, "train", [5, 4]), "train"), train_tokenizer(TEXTS, 200)
    monkeypatch.setattr(tokens, "TWO_BYTES", two_bytes)
    captions, made, ids = list(split.texts()), [], tokens._ids
    monkeypatch.setattr(tokens, "_ids", lambda _, texts, length: made.extend(texts) or ids(_, texts, length))
    rows, others = [8, 2, 6, 0, 2], [None, None, "other words", None, None]
    wanted = encode(tokenizer, [other or captions[row] for row, other in zip(rows, others, strict=True)], 9)
    made.clear()
    for _ in range(2):
        found = Captions(split, tokenizer, 9, tmp_path / "tokens").encode(rows, others)
        assert (found.dtype, found.tolist()) == (wanted.dtype, wanted.tolist())
    assert sorted(made) == sorted([*captions[:3], captions[8], "other words", "other words"])  # row groups 0 and 3
    assert sorted(path.name for path in (tmp_path / "tokens").iterdir()) == ["000000.npy", "000003.npy"]


def test_training_is_the_same_in_another_process() -> None:
    program = (
        "from tests.train.test_tokens import TEXTS; from train.tokens import train_tokenizer; import hashlib;"
        "print(hashlib.sha256(train_tokenizer(TEXTS, 90).to_str().encode()).hexdigest())"
    )
    hashes = {subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout for _ in range(2)}
    assert hashes == {hashlib.sha256(train_tokenizer(TEXTS, 90).to_str().encode()).hexdigest().encode() + b"\n"}


def test_a_folder_with_either_file_gives_the_same_tokenizer(tmp_path: Path) -> None:
    tokenizer = train_tokenizer(TEXTS, 200)
    (tmp_path / "json").mkdir()
    tokenizer.save(str(tmp_path / "json" / "tokenizer.json"))
    (tmp_path / "vocab").mkdir()
    pieces = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().__getitem__)
    (tmp_path / "vocab" / "vocab.txt").write_text("\n".join(pieces))
    for folder in ("json", "vocab"):
        loaded = load_tokenizer(str(tmp_path / folder))
        assert encode(loaded, TEXTS, 24).tolist() == encode(tokenizer, TEXTS, 24).tolist()


def test_a_folder_without_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"neither tokenizer\.json nor vocab\.txt"):
        load_tokenizer(str(tmp_path))


def test_a_tokenizer_that_pads_otherwise_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("[UNK]\n[PAD]\n[CLS]\n[SEP]\n[MASK]\na")
    with pytest.raises(DataError, match=r"entry 0 is not \[PAD\]"):
        load_tokenizer(str(tmp_path))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"do_lower_case": False},
        {"do_lower_case": True, "strip_accents": False},
        {"do_lower_case": False, "strip_accents": True},
        {"do_lower_case": True, "tokenize_chinese_chars": False},
    ],
)
@pytest.mark.parametrize("stored", ["vocab.txt", "tokenizer.json"])
def test_a_tokenizer_reads_as_its_makers_say(tmp_path: Path, settings: dict[str, bool], stored: str) -> None:
    """Case, accents and Chinese letters: `tokenizer_config.json` is obeyed, as transformers obeys it."""
    pieces = [
        *SPECIAL,
        "dna",
        "DNA",
        "cafe",
        "café",
        "Cafe",
        "Café",
        "细",
        "胞",
        "细胞",
    ]
    if stored == "vocab.txt":
        (tmp_path / stored).write_text("\n".join(pieces) + "\n")
    else:
        BertWordPieceTokenizer({piece: n for n, piece in enumerate(pieces)}).save(str(tmp_path / stored))
    described = settings | {"tokenizer_class": "BertTokenizer"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(described))
    text = "DNA Café 细胞"
    theirs: Any = AutoTokenizer.from_pretrained(tmp_path)
    read = encode(load_tokenizer(str(tmp_path)), [text], 24).tolist()
    assert read == theirs([text])["input_ids"]
    words = "DNA Café" if settings.get("do_lower_case", True) is False else "dna cafe"
    if settings.get("strip_accents") is not None:
        words = {"dna cafe": "dna café", "DNA Café": "DNA Cafe"}[words]
    letters = ["细胞"] if settings.get("tokenize_chinese_chars") is False else ["细", "胞"]
    assert [pieces[token] for token in read[0]] == ["[CLS]", *words.split(), *letters, "[SEP]"]
