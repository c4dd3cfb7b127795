import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pmc15m.config import Config, SplitConfig
from pmc15m.engine.stage import FAULT, Execution, run_stage
from pmc15m.errors import ExitCode
from pmc15m.pictures import decode as decoding
from pmc15m.split import MOST_IMAGES, TOO_MANY_IMAGES, split_image, split_picture
from pmc15m.stages import PARSE, SPLIT
from pmc15m.workspace import Workspace, read_part
from tests.stages.rawshard import Made, write_raw_shard

IMAGE = {"image_key": "PMC7_1_f001_g01", "figure_key": "PMC7_1_f001", "pmcid": "PMC7", "version": 1}
FIGURE: dict[str, Any] = {"caption": "Cells in culture.", "caption_markup": []}
CONFIG = SplitConfig(separator="gutters")


def jpeg(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=95)
    return stream.getvalue()


def two_photographs() -> Image.Image:
    figure = Image.new("RGB", (620, 300), "white")
    for x in (0, 320):
        figure.paste(Image.effect_noise((300, 300), 90), (x, 0))
    return figure


def test_a_single_figure_is_one_panel_with_the_whole_caption() -> None:
    pixels, panels = split_image(IMAGE, FIGURE, jpeg(Image.effect_noise((300, 200), 90).convert("RGB")), CONFIG)
    assert (pixels["width"], pixels["height"], pixels["n_panels"], pixels["status"]) == (300, 200, 1, "single")
    (panel,) = panels
    assert (panel["panel_key"], panel["subcaption"]) == ("PMC7_1_f001_g01_p00", "Cells in culture.")
    assert (panel["box"], panel["status"]) == ({"x0": 0, "y0": 0, "x1": 300, "y1": 200}, "ok")


def test_a_compound_figure_is_split_and_every_panel_is_a_row() -> None:
    pixels, panels = split_image(IMAGE, FIGURE, jpeg(two_photographs()), CONFIG)
    assert pixels["n_panels"] == len(panels) == 2
    assert abs(panels[0]["box"]["x1"] - 300) <= 3
    assert abs(panels[1]["box"]["x0"] - 320) <= 3
    for panel in panels:
        assert panel["status"] == "ok" or panel["reason"]


def test_a_figure_of_one_panel_shares_its_caption_with_none() -> None:
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8))
    _, [panel] = split_image(IMAGE, {"caption": "A round cell.", "caption_markup": []}, jpeg(picture), CONFIG)
    assert (panel["subcaption"], panel["shared_spans"]) == ("A round cell.", [])


def two_lettered_photographs() -> Image.Image:
    figure = two_photographs()
    draw = ImageDraw.Draw(figure)
    for x, letter in ((0, "A"), (320, "B")):
        draw.rectangle((x, 0, x + 26, 30), fill="white")
        draw.text((x + 5, 1), letter, fill="black", font_size=24)
    return figure


def test_subcaptions_are_pieces_of_the_caption() -> None:
    caption = "Two cells. (A) A round cell. (B) A flat cell."
    _, panels = split_image(IMAGE, {"caption": caption, "caption_markup": []}, jpeg(two_lettered_photographs()), CONFIG)
    for panel in panels:
        spans = panel["subcaption_spans"]
        pieces = " ".join(caption[span["start"] : span["end"]] for span in spans)
        assert panel["subcaption"] == pieces
        assert panel["reason"] is None


def test_a_text_of_two_words_says_so() -> None:
    figure_row = {"caption": "Mice. (A) Left kidney. (B) Right kidney of a mouse.", "caption_markup": []}
    _, panels = split_image(IMAGE, figure_row, jpeg(two_lettered_photographs()), CONFIG)
    assert [(p["subcaption"], p["status"], p["reason"]) for p in panels] == [
        ("Left kidney.", "ok", "few_words"),
        ("Right kidney of a mouse.", "ok", None),
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"<html/>", "not_an_image"), (jpeg(two_photographs())[:3000], "broken"), (b"", "not_an_image")],
)
def test_a_picture_that_cannot_be_used_is_a_row_with_a_reason(content: bytes, reason: str) -> None:
    pixels, panels = split_image(IMAGE, FIGURE, content, CONFIG)
    assert (pixels["status"], pixels["reason"], pixels["n_panels"], panels) == ("dropped", reason, 0, [])


def test_a_figure_without_caption_has_panels_without_text() -> None:
    _, panels = split_image(IMAGE, {"caption": None, "caption_markup": []}, jpeg(two_photographs()), CONFIG)
    assert all(panel["status"] == "dropped" and panel["reason"] for panel in panels)


def test_a_shard_has_pixels_of_every_image_and_panels_of_those_that_can_be_seen(tmp_path: Path) -> None:
    figures = "".join(
        f'<fig id="F{n}"><label>Figure {n}</label><caption><p>Cells in culture.</p></caption>'
        f'<graphic xlink:href="f{n}.jpg"/></fig>'
        for n in (1, 2)
    )
    xml = f'<article xmlns:xlink="http://www.w3.org/1999/xlink"><body>{figures}</body></article>'
    whole = jpeg(two_photographs())
    workspace, config = Workspace(tmp_path), Config(split=CONFIG)
    write_raw_shard(workspace, "00000", [Made("PMC7", xml.encode(), {"f1.jpg": whole, "f2.jpg": whole[:3000]})])
    for stage in (PARSE, SPLIT):
        assert run_stage(stage, workspace, config, Execution()) is ExitCode.COMPLETE
    pixels, panels = (read_part(workspace.part(table, "00000")).to_pylist() for table in ("pixels", "panels"))
    assert [(row["image_key"], row["mode"], row["n_panels"], row["reason"]) for row in pixels] == [
        ("PMC7_1_f001_g01", "RGB", 2, "no_caption_labels"),
        ("PMC7_1_f002_g01", None, 0, "broken"),
    ]
    assert [(row["panel_key"], row["image_key"], row["figure_key"], row["order"]) for row in panels] == [
        ("PMC7_1_f001_g01_p00", "PMC7_1_f001_g01", "PMC7_1_f001", 0),
        ("PMC7_1_f001_g01_p01", "PMC7_1_f001_g01", "PMC7_1_f001", 1),
    ]


def shown(n: int, caption: str = "Cells in culture.") -> tuple[dict[str, Any], dict[str, Any]]:
    return {**IMAGE, "image_key": f"PMC7_1_f{n:03d}_g01"}, {"caption": caption, "caption_markup": []}


def test_a_picture_is_decoded_once_however_many_figures_show_it(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = []

    def counted(content: bytes) -> decoding.Decoded | decoding.DecodeError:
        decoded.append(content)
        return decoding.decode(content)

    monkeypatch.setattr("pmc15m.split.decode", counted)
    content = jpeg(two_lettered_photographs())
    captions = ("Cells in culture.", "Two cells. (A) A round cell. (B) A flat cell.") * (MOST_IMAGES // 2 + 1)
    pictures = [shown(n, caption) for n, caption in enumerate(captions)]
    found = split_picture(pictures, content, SplitConfig())
    assert len(decoded) == 1
    for (image, figure), rows in list(zip(pictures, found, strict=True))[:4]:
        assert rows == split_image(image, figure, content, SplitConfig())
    assert [pixels["image_key"] for pixels, _ in found] == [image["image_key"] for image, _ in pictures]
    assert [pixels["reason"] for pixels, _ in found[MOST_IMAGES:]] == [TOO_MANY_IMAGES] * 2
    assert not any(pixels["reason"] == TOO_MANY_IMAGES for pixels, _ in found[:MOST_IMAGES])


def test_images_stand_in_their_order_whichever_picture_they_show(tmp_path: Path) -> None:
    names = ("a.jpg", "b.jpg", "a.jpg", "c.jpg", "b.jpg", "a.jpg")
    figures = "".join(f'<fig><caption><p>Cells.</p></caption><graphic xlink:href="{name}"/></fig>' for name in names)
    xml = f'<article xmlns:xlink="http://www.w3.org/1999/xlink"><body>{figures}</body></article>'
    sizes = {"a.jpg": 60, "b.jpg": 70, "c.jpg": 80}
    media = {name: jpeg(two_photographs().crop((0, 0, size, size))) for name, size in sizes.items()}
    workspace = Workspace(tmp_path)
    write_raw_shard(workspace, "00000", [Made("PMC7", xml.encode(), media)])
    for stage in (PARSE, SPLIT):
        assert run_stage(stage, workspace, Config(split=CONFIG), Execution()) is ExitCode.COMPLETE
    pixels, panels = (read_part(workspace.part(table, "00000")).to_pylist() for table in ("pixels", "panels"))
    assert [(row["image_key"], row["width"]) for row in pixels] == [
        (f"PMC7_1_f{n:03d}_g01", sizes[name]) for n, name in enumerate(names, 1)
    ]
    assert [row["image_key"] for row in panels] == [row["image_key"] for row in pixels]


@pytest.mark.parametrize("where", ["decode", "pixel_facts", "Sight", "crop_facts"])
def test_a_picture_on_which_this_program_fails_is_a_row_with_a_reason(
    where: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(f"pmc15m.split.{where}", fail)
    pixels, panels = split_image(IMAGE, FIGURE, jpeg(two_photographs()), CONFIG)
    assert (pixels["status"], pixels["reason"], pixels["n_panels"], panels) == ("dropped", FAULT, 0, [])
    assert "split: PMC7_1_f001_g01: MemoryError: no room" in caplog.text


@pytest.mark.parametrize("size", [(70_000, 2), (2, 70_000), (40_000_000, 1), (70_000_000, 1)])
def test_no_side_is_longer_than_a_jpeg_can_have(size: tuple[int, int]) -> None:
    stream = io.BytesIO()
    Image.new("1", size).save(stream, "PNG")
    pixels, panels = split_image(IMAGE, FIGURE, stream.getvalue(), CONFIG)
    assert (pixels["status"], panels) == ("dropped", [])
    assert pixels["reason"] == ("too_many_pixels" if max(size) > 64_000_000 else "too_long")
