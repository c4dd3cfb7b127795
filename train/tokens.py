"""WordPiece tokens: trained on the captions when no tokenizer is given, else read from a folder or the hub.

Uses the `tokenizers` library alone; transformers is imported only for tokenizers that others made.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import BertWordPieceTokenizer, Tokenizer

from train import _torchvision
from train.errors import DataError

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")  # BERT's, in BERT's order: [PAD] is 0
CAPTIONS_FOR_TRAINING = 100_000  # they lie in memory meanwhile: about 100 MB
MAX_LETTERS = 1000  # rarer ones become [UNK]; BERT's own vocabulary has 997

Tokens = np.ndarray[Any, np.dtype[np.int64]]


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
    tokenizer.no_padding()
    tokenizer.enable_truncation(context_length)
    rows = [encoding.ids for encoding in tokenizer.encode_batch_fast(list(texts))]
    tokens = np.zeros((len(rows), max(map(len, rows), default=0)), dtype=np.int64)
    for row, ids in enumerate(rows):
        tokens[row, : len(ids)] = ids
    return tokens
