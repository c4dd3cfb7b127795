"""Which words the caption network knows, and how alike two are used: from what stands beside them in running text.

Positive pointwise mutual information of a word with the COMMON words at four places around it, its K strongest
directions (Levy, Goldberg: Neural word embedding as implicit matrix factorization, NeurIPS 2014).
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from lxml import etree
from numpy.typing import NDArray

from models.captions.marks import xml_files
from pmc15m.figures.captions.tokens import TOKEN, known_as

KNOWN, COMMON, DIRECTIONS = 8000, 1500, 32
PLACES = (-2, -1, 1, 2)
_CAPTIONS = 20  # a word of captions counts so often
_SHIFT, _SMOOTHING, _ROUNDS = 0.5, 0.75, 5


def paragraphs(articles: Path) -> list[str]:
    """The text of the paragraphs of a folder of articles."""
    out = []
    for path in xml_files(articles):
        root = etree.parse(path, etree.XMLParser(recover=True, huge_tree=True, resolve_entities=False)).getroot()
        for element in root.iter("{*}p") if root is not None else ():
            text = " ".join("".join(element.itertext()).split())
            if len(text) > 60:
                out.append(text)
    return out


def learn(texts: Sequence[str], captions: Sequence[str]) -> tuple[list[str], NDArray[np.float32]]:
    """At most KNOWN words by frequency, and float32 (words, DIRECTIONS) of unit variance."""
    documents = [[known_as(word) for word in TOKEN.findall(text)] for text in (*texts, *captions, *captions)]
    counts = Counter(word for document in documents for word in document)
    written = Counter(known_as(word) for text in captions for word in TOKEN.findall(text))
    ranked = sorted(counts, key=lambda word: (-counts[word] - _CAPTIONS * written[word], word))[:KNOWN]
    number = {word: i for i, word in enumerate(ranked)}
    common = min(COMMON, len(ranked))
    together = np.zeros((len(ranked), len(PLACES) * common), np.float32)
    for document in documents:
        ids = np.array([number.get(word, -1) for word in document])
        for place, offset in enumerate(PLACES):
            if len(ids) <= abs(offset):
                continue
            word, other = (ids[-offset:], ids[:offset]) if offset < 0 else (ids[:-offset], ids[offset:])
            counted = (word >= 0) & (other >= 0) & (other < common)
            np.add.at(together, (word[counted], place * common + other[counted]), 1)
    expected = together.sum(0, keepdims=True) ** _SMOOTHING
    expected /= expected.sum()
    share = together / np.maximum(together.sum(1, keepdims=True), 1)
    information = np.log(np.maximum(share / np.maximum(expected, 1e-9), 1e-9)) - _SHIFT
    information = np.where(together > 0, np.maximum(information, 0), 0).astype(np.float32)
    basis = np.random.default_rng(0).standard_normal((information.shape[1], 2 * DIRECTIONS)).astype(np.float32)
    for _ in range(_ROUNDS):
        left = np.linalg.qr(information @ basis)[0]
        basis = np.linalg.qr(information.T @ left)[0]
    u, strength, _ = np.linalg.svd(information @ basis, full_matrices=False)
    directions = u[:, :DIRECTIONS] * strength[:DIRECTIONS] ** 0.5
    return ranked, (directions / directions.std()).astype(np.float32)
