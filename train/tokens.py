"""WordPiece tokens: trained on the captions when no tokenizer is given, else read from a folder or the hub.

Uses the `tokenizers` library alone; transformers is imported only for a name on the hub.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import BertWordPieceTokenizer, Tokenizer

from train.errors import DataError

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")  # BERT's, in BERT's order: [PAD] is 0
CAPTIONS_FOR_TRAINING = 200_000

Tokens = np.ndarray[Any, np.dtype[np.int64]]


def train_tokenizer(texts: Iterable[str], vocab_size: int) -> Tokenizer:
    """An uncased WordPiece of at most `vocab_size` entries, the same for the same texts."""
    trainer = BertWordPieceTokenizer(lowercase=True)
    trainer.train_from_iterator(
        texts, vocab_size=vocab_size, min_frequency=2, special_tokens=list(SPECIAL), show_progress=False
    )
    # The words are counted in a hash map, so ties come in any order. Numbering by the text makes two trainings equal.
    pieces = sorted(piece for piece in trainer.get_vocab() if piece not in SPECIAL)
    vocab = {piece: number for number, piece in enumerate([*SPECIAL, *pieces])}
    return Tokenizer.from_str(BertWordPieceTokenizer(vocab, lowercase=True).to_str())


def load_tokenizer(source: str) -> Tokenizer:
    """A tokenizer from a folder with `tokenizer.json` or `vocab.txt`, or from the hub by name. Raises `DataError`."""
    tokenizer = _read_tokenizer(source)
    if tokenizer.token_to_id("[PAD]") != 0:
        raise DataError(f"the tokenizer {source!r} is not BERT's: its entry 0 is not [PAD]")
    return tokenizer


def _read_tokenizer(source: str) -> Tokenizer:
    folder = Path(source)
    if (folder / "tokenizer.json").is_file():
        return Tokenizer.from_file(str(folder / "tokenizer.json"))
    if (folder / "vocab.txt").is_file():
        vocab = BertWordPieceTokenizer.from_file(str(folder / "vocab.txt"), lowercase=True)
        return Tokenizer.from_str(vocab.to_str())
    if folder.is_dir():
        raise DataError(f"the tokenizer folder {folder} holds neither tokenizer.json nor vocab.txt")
    from transformers import AutoTokenizer

    try:
        fast: Any = AutoTokenizer.from_pretrained(source)
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
    rows = [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]
    tokens = np.zeros((len(rows), max(map(len, rows), default=0)), dtype=np.int64)
    for row, ids in enumerate(rows):
        tokens[row, : len(ids)] = ids
    return tokens
