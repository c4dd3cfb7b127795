"""The real corpus, where it lies beside the checkout: the ground truth, and every article without exception."""

import importlib.util
import json
from types import ModuleType

import pytest

from benchmarks.jats import record, sources
from pmc15m.jats import ArticleStatus, parse_article
from tests.shared_data import SHARED

ARTICLES = SHARED / "corpus" / "articles"
GOLD = SHARED / "groundtruth" / "jats-dev" / "gold.jsonl"
SCORER = SHARED / "tools" / "score_jats.py"

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not ARTICLES.is_dir(), reason=f"no real articles in {ARTICLES} (set PMC15M_SHARED)"),
]


def scorer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("score_jats", SCORER)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_ground_truth() -> None:
    gold = [json.loads(line) for line in GOLD.read_text(encoding="utf-8").splitlines()]
    wanted = {article["article"] for article in gold}
    found, errors = scorer().score(gold, [record(source) for source in sources(ARTICLES) if source.name in wanted])
    assert found["figure_recall"] >= 0.995, errors
    assert found["figure_precision"] >= 0.995, errors
    assert found["caption_exact"] >= 0.98, errors
    assert found["label_accuracy"] >= 0.99, errors
    assert found["file_accuracy"] >= 0.995, errors
    assert found["mentions_accuracy"] >= 0.97, errors
    assert found["pair_accuracy"] >= 0.98, errors
    assert (found["wrong_captions"], found["invented_captions"]) == (0, 0), errors


def test_no_article_is_lost() -> None:
    articles = [parse_article(source.xml.read_bytes()) for source in sources(ARTICLES)]
    assert len(articles) > 400
    assert {article.status for article in articles} == {ArticleStatus.OK}
    assert sum(len(article.figures) for article in articles) > 2000


def test_every_figure_has_one_place_in_the_text_and_citations_have_their_words() -> None:
    named = unnamed = 0
    for path in sorted(ARTICLES.rglob("*.xml"))[::8]:
        article = parse_article(path.read_bytes(), body=True)
        assert sorted(block.figure for block in article.body if block.figure) == [f.position for f in article.figures]
        for block in article.body:
            words = [block.text[citation.start : citation.end] for citation in block.citations]
            named += sum(any(map(str.isalnum, each)) for each in words)
            unnamed += sum(not any(map(str.isalnum, each)) for each in words)
    assert named > max(100, 50 * unnamed)
