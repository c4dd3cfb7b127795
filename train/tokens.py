"""WordPiece tokens: trained on the captions when no tokenizer is given, else read from a folder or the hub.

Uses the `tokenizers` library alone; transformers is imported only for tokenizers that others made.
"""

import functools
import io
import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import BertWordPieceTokenizer, Tokenizer

from train import _torchvision, files
from train.errors import DataError
from train.shards import Split

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")  # BERT's, in BERT's order: [PAD] is 0
CAPTIONS_FOR_TRAINING = 100_000  # they lie in memory meanwhile: about 100 MB
TWO_BYTES = 1 << 16  # entries that two bytes can number
MAX_LETTERS = 1000  # rarer ones become [UNK]; BERT's own vocabulary has 997

Tokens = np.ndarray[Any, np.dtype[np.int64]]
Ids = np.ndarray[Any, np.dtype[np.uint16 | np.uint32]]


def train_tokenizer(texts: Iterable[str], vocab_size: int) -> Tokenizer:
    """An uncased WordPiece of at most `vocab_size` entries, the same for the same texts.

    The library meets the letters in the order of a hash map and breaks ties between merges by the numbers that they got
    there, so that two trainings differ. Here the letters are numbered beforehand, as if they were special tokens.
    """
    trainer = BertWordPieceTokenizer(lowercase=True)
    normalized = [trainer.normalize(text) for text in texts]
    counts = Counter(itertools.chain.from_iterable(normalized))
    common = sorted(counts, key=lambda letter: (-counts[letter], letter))[: min(MAX_LETTERS, vocab_size // 3)]
    letters = sorted(letter for letter in common if not letter.isspace())
    numbered = [*SPECIAL, *letters, *(f"##{letter}" for letter in letters)]
    kept = set(common)
    trainer.train_from_iterator(
        ("".join(letter if letter in kept else " " for letter in text) for text in normalized),
        vocab_size=max(vocab_size, len(numbered)),
        min_frequency=2,
        special_tokens=numbered,
        show_progress=False,
    )
    vocab = trainer.get_vocab()
    return Tokenizer.from_str(BertWordPieceTokenizer(vocab, lowercase=True).to_str())


def load_tokenizer(source: str) -> Tokenizer:
    """A tokenizer from a folder with `tokenizer.json` or `vocab.txt`, or from the hub by name. Raises `DataError`.

    A `tokenizer_config.json` beside them is obeyed.
    """
    tokenizer = _read_tokenizer(source)
    if tokenizer.token_to_id("[PAD]") != 0:
        raise DataError(f"the tokenizer {source!r} is not BERT's: its entry 0 is not [PAD]")
    return tokenizer


def _read_tokenizer(source: str) -> Tokenizer:
    folder = Path(source)
    has_json = (folder / "tokenizer.json").is_file()
    if has_json and not (folder / "tokenizer_config.json").is_file():  # ours, and all that there is to know
        try:
            return Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # the library raises nothing more special
            raise DataError(f"{folder / 'tokenizer.json'} cannot be read: {error}") from None
    if folder.is_dir() and not has_json and not (folder / "vocab.txt").is_file():
        raise DataError(f"the tokenizer folder {folder} holds neither tokenizer.json nor vocab.txt")
    _torchvision.make_importable()
    from transformers import AutoTokenizer, BertTokenizerFast  # type: ignore[attr-defined]

    # What stands in tokenizer_config.json (case, accents, Chinese letters) is for transformers to obey.
    kind: Any = BertTokenizerFast if folder.is_dir() and not has_json else AutoTokenizer
    try:
        fast = kind.from_pretrained(source)
    except (OSError, ValueError) as error:
        raise DataError(
            f"cannot get the tokenizer {source!r} ({str(error).splitlines()[0]}); give a local folder with "
            "--set text.tokenizer=FOLDER, or --set text.tokenizer= to train one on the captions"
        ) from None
    return Tokenizer.from_str(fast.backend_tokenizer.to_str())


def encode(tokenizer: Tokenizer, texts: Sequence[str], context_length: int) -> Tokens:
    """Texts as (texts, longest) token ids: [CLS] … [SEP], cut to `context_length`, padded with 0 to the longest."""
    return _padded(_ids(tokenizer, texts, context_length))


class Captions:
    """The captions of a split as tokens: those of a unit are made once and then lie in a folder, `000000.npy` ….

    A file has the length of every caption, then their ids. The folder is a run's own: data, tokenizer and context, on
    which it depends, never change in a run.
    """

    def __init__(self, split: Split, tokenizer: Tokenizer, context_length: int, folder: Path) -> None:
        self._split, self._tokenizer, self._context_length, self._folder = split, tokenizer, context_length, folder
        _read_ids.cache_clear()  # an earlier run of this process may have had the same folder

    def encode(self, rows: Sequence[int], texts: Sequence[str | None]) -> Tokens:
        """What the function of this name makes of the texts; None stands for the caption of the row."""
        others = iter(_ids(self._tokenizer, [text for text in texts if text is not None], self._context_length))
        both = zip(rows, texts, strict=True)
        return _padded([self._caption(row) if text is None else next(others) for row, text in both])

    def _caption(self, row: int) -> Ids:
        place, inside = self._split.locate(row)
        path = self._folder / f"{place:06d}.npy"
        if not path.exists():
            ids = _ids(self._tokenizer, list(self._split.units[place].texts()), self._context_length)
            width = np.uint16 if self._tokenizer.get_vocab_size() <= TWO_BYTES else np.uint32
            stored = io.BytesIO()
            np.save(stored, np.fromiter(itertools.chain(map(len, ids), *ids), dtype=width))
            files.share(path, stored.getvalue())
        ends, kept = _read_ids(path, self._split.sizes[place])
        return kept[ends[inside] : ends[inside + 1]]


@functools.lru_cache(maxsize=128)  # units: a batch on the border of two windows touches both
def _read_ids(path: Path, count: int) -> tuple[Tokens, Ids]:
    """Where each of `count` captions begins and the last one ends, and the ids of all, which stay on disk."""
    kept = np.load(path, mmap_mode="r")
    return np.concatenate([[0], np.cumsum(kept[:count], dtype=np.int64)]), kept[count:]


def _ids(tokenizer: Tokenizer, texts: Sequence[str], context_length: int) -> list[list[int]]:
    tokenizer.no_padding()
    tokenizer.enable_truncation(context_length)
    return [encoding.ids for encoding in tokenizer.encode_batch_fast(texts)]


def _padded(rows: Sequence[list[int] | Ids]) -> Tokens:
    tokens = np.zeros((len(rows), max(map(len, rows), default=0)), dtype=np.int64)
    for row, ids in zip(tokens, rows, strict=True):
        row[: len(ids)] = ids
    return tokens
