"""One figure of a workspace, to be looked at."""

from pathlib import Path
from typing import Any

from pmc15m.errors import Pmc15mError, UsageError
from pmc15m.figures.drawing import Drawing, Mark
from pmc15m.pictures.decode import DecodeError, decode
from pmc15m.query import connect
from pmc15m.workspace import Workspace

_PICTURES = """
SELECT images.*, pixels.status AS split_status, pixels.reason AS split_reason, figures.label, figures.caption,
  coalesce(boxes.panels, []) AS panels
FROM images JOIN figures USING (figure_key) LEFT JOIN pixels USING (image_key) LEFT JOIN (
  SELECT image_key,
    list({label: label, box: box, subcaption: subcaption, score: alignment_score} ORDER BY "order") AS panels
  FROM panels WHERE box IS NOT NULL GROUP BY image_key) boxes USING (image_key)
WHERE figure_key = $key OR image_key = $key OR image_key = $image_of_panel
ORDER BY graphic_index"""


def show(key: str, workspace: Workspace | Path | str = "data") -> Drawing:
    """A figure with the boxes, letters and texts of its panels, as a notebook displays it.

    `key` is that of a pair, an image or a panel, or of a figure with one picture. Raises `UsageError` where there is no
    such figure, where it has several pictures, and where its picture cannot be had.
    """
    held = workspace if isinstance(workspace, Workspace) else Workspace(workspace)
    with connect(held) as connection:
        parameters = {"key": key, "image_of_panel": key.rpartition("_p")[0]}
        found = connection.sql(_PICTURES, params=parameters).to_arrow_table().to_pylist()
    if len(found) != 1:
        keys = ", ".join(picture["image_key"] for picture in found)
        said = f"{key} has several pictures; show one of {keys}" if keys else f"there is no figure {key} in {held.root}"
        raise UsageError(said)
    [picture] = found
    return _drawing(held, picture)


def _drawing(workspace: Workspace, picture: dict[str, Any]) -> Drawing:
    reason = picture["reason"]
    if picture["status"] == "ok":
        decoded = decode(workspace.read(*(picture[name] for name in ("shard", "offset", "size", "sha256"))))
        if not isinstance(decoded, DecodeError):
            marks = tuple(
                Mark(tuple(panel["box"].values()), panel["label"], panel["subcaption"] or "", panel["score"])
                for panel in picture["panels"]
            )
            words = filter(None, (picture["split_status"], picture["split_reason"]))
            told = (picture["image_key"], *(word.replace("_", " ") for word in words))
            title = f"{picture['label'] or 'Figure'} of {picture['pmcid']}"
            return Drawing(decoded.image, marks, picture["caption"] or "", told, title)
        reason = decoded
    raise Pmc15mError(f"{picture['image_key']} has no picture: {reason}")
