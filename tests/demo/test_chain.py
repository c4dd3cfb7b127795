"""What the toolkit makes of the generated PMC is what its truth says, graphic by graphic."""

from pathlib import Path

import pyarrow.parquet as pq

from pmc15m.cli import main
from pmc15m.demo import ArticleFate, ArticleTruth, DemoTruth, GraphicFate


def test_every_graphic_ends_as_the_truth_says(truth: DemoTruth, tmp_path: Path) -> None:
    for stage in ("index", "crawl", "parse"):
        assert main([stage, "--workspace", str(tmp_path / "data"), "--source", str(truth.root), "-q"]) == 0
    figures = pq.read_table(tmp_path / "data/figures", columns=["figure_key", "pmcid", "version"]).to_pylist()
    images = pq.read_table(tmp_path / "data/images", columns=["figure_key", "href", "file", "status"]).to_pylist()
    article_of = {row["figure_key"]: (row["pmcid"], row["version"]) for row in figures}
    found = {(*article_of[row["figure_key"]], row["href"]): row for row in images}

    def row(article: ArticleTruth, href: str) -> dict[str, str | None]:
        return found.get((article.pmcid, article.version, href), {"file": None, "status": "no row"})

    for article, figure, graphic in truth.graphics():
        image = row(article, graphic.href)
        where = f"{article.shape}, {figure.label}, {graphic}: {image}"
        if article.fate is ArticleFate.SUPERSEDED or figure.kind == "table":
            assert image["status"] == "no row", where
        elif graphic.fate is GraphicFate.IMAGE:
            assert (image["status"], image["file"]) == ("ok", graphic.file), where
        elif graphic.fate is not GraphicFate.NOT_AN_IMAGE:  # half a JPEG is found out by those who decode it
            assert image["status"] != "ok", where
