"""What looks like a gutter and is none: legends beside plots, insets, lines across, bands of colour, facing columns."""

import numpy as np

from models.panels import content

Rng = np.random.Generator
Rect = tuple[int, int, int, int]


def legend(rng: Rng, pen: content.Pen, box: Rect) -> Rect:
    """A key below or beside a graphic, boxed or not; the box that is left for the graphic."""
    x0, y0, x1, y1 = box
    size, step = pen.size, round(1.4 * pen.size)
    below = rng.random() < 0.6
    rows = int(rng.integers(1, 5 if below else 9))
    columns = int(rng.integers(1, 4)) if below else 1
    gap = int(rng.integers(2, round(1.8 * size) + 3))
    deep = rows * step + 8 if below else int(rng.uniform(5, 10) * size)
    if deep + gap > 0.45 * ((y1 - y0) if below else (x1 - x0)) or (not below and rows * step > y1 - y0 - 8):
        return box
    inset = int(rng.uniform(0, 0.2) * (x1 - x0))
    key = (x0 + inset, y1 - deep, x1 - inset, y1 - 1) if below else (x1 - deep, y0 + 4, x1 - 1, y0 + 8 + rows * step)
    width = (key[2] - key[0]) / columns
    for row in range(rows):
        for column in range(columns):
            x, y = key[0] + column * width + 4, key[1] + 4 + row * step
            colour = pen.colours[rng.integers(len(pen.colours))]
            if rng.random() < 0.5:
                pen.draw.line([x, y + size / 2, x + 1.6 * size, y + size / 2], fill=colour, width=2)
            else:
                pen.draw.rectangle([x, y + 2, x + size, y + size - 2], fill=colour)
            most = max(1, int((width - 2.4 * size) / (0.6 * size)))
            pen.text((x + 2 * size, y), content.phrase(rng, 3)[:most])
    if rng.random() < 0.4:
        pen.draw.rectangle(list(key), outline=(0, 0, 0))
    return (x0, y0, x1, y1 - deep - gap) if below else (x0, y0, x1 - deep - gap, y1)


def across(rng: Rng, pen: content.Pen, box: Rect) -> None:
    """Straight lines through all of a drawing: a threshold, the limits of a phase, a peak, a grid."""
    x0, y0, x1, y1 = box
    upright, width = rng.random() < 0.6, int(rng.integers(1, 3))
    for share in rng.uniform(0.1, 0.9, int(rng.integers(1, 5))):
        x, y = x0 + share * (x1 - x0), y0 + share * (y1 - y0)
        ends = (x, y0 + 3, x, y1 - 3) if upright else (x0 + 3, y, x1 - 3, y)
        if rng.random() < 0.5:
            pen.draw.line(ends, fill=0, width=width)
            continue
        for t in np.arange(0, 1, 0.03):
            dash = [ends[i % 2] + (t + s) * (ends[2 + i % 2] - ends[i % 2]) for s in (0, 0.016) for i in (0, 1)]
            pen.draw.line(dash, fill=0, width=width)


def corner(rng: Rng, box: Rect) -> Rect:
    """Where an inset stands."""
    x0, y0, x1, y1 = box
    w, h = (int(rng.uniform(0.22, 0.42) * side) for side in (x1 - x0, y1 - y0))
    x = x0 + 3 if rng.random() < 0.3 else x1 - w - 3
    y = y0 + 3 if rng.random() < 0.5 else y1 - h - 3
    return x, y, x + w, y + h


def bands(rng: Rng, pen: content.Pen, box: Rect) -> None:
    """One scheme on grounds of several colours that meet in straight lines, with shapes and words over them."""
    x0, y0, x1, y1 = box
    upright = rng.random() < 0.4
    ends = np.sort(rng.uniform(0.12, 0.88, int(rng.integers(1, 4))))
    for a, b in zip([0, *ends], [*ends, 1], strict=True):
        coloured = rng.random() < 0.6
        shade = tuple(rng.integers(20, 256, 3).tolist()) if coloured else (int(rng.integers(0, 256)),) * 3
        wide, deep = ((a, b), (0, 1)) if upright else ((0, 1), (a, b))
        corners = [(x0 + u * (x1 - x0), y0 + v * (y1 - y0)) for u, v in zip(wide, deep, strict=True)]
        pen.draw.rectangle(corners, fill=shade)
    for _ in range(int(rng.integers(4, 30))):
        cx, cy = rng.uniform(x0, x1), rng.uniform(y0, y1)
        r = rng.uniform(0.01, 0.08) * (x1 - x0)
        shape = [max(x0, cx - r), max(y0, cy - 0.7 * r), min(x1, cx + r), min(y1, cy + 0.7 * r)]
        if rng.random() < 0.6:
            pen.draw.ellipse(shape, fill=pen.colours[rng.integers(len(pen.colours))], outline=0)
        else:
            words, size = content.phrase(rng, 2), round(pen.size * rng.uniform(0.8, 2))
            pen.text((cx, cy), words, size=size, fill=int(rng.choice([0, 255])))
    for _ in range(int(rng.integers(0, 6))):
        pen.draw.line([(rng.uniform(x0, x1), rng.uniform(y0, y1)) for _ in range(2)], fill=0, width=2)


def facing(rng: Rng, pen: content.Pen, box: Rect) -> None:
    """Two or three columns of words or boxes that belong together, an arrow or nothing between them."""
    x0, y0, x1, y1 = box
    columns, rows = int(rng.integers(2, 4)), int(rng.integers(3, 9))
    gap = rng.uniform(0.04, 0.16) * (x1 - x0)
    width, step = (x1 - x0 - gap * (columns - 1)) / columns, (y1 - y0) / rows
    filled = rng.random() < 0.6
    shade = int(rng.integers(190, 245))
    for column in range(columns):
        left = x0 + column * (width + gap)
        for row in range(rows):
            top = y0 + row * step
            if filled and row:
                pen.draw.rectangle([left, top + 3, left + width, top + step - 3], fill=(shade,) * 3)
            most = max(1, int((width - 8) / (0.6 * pen.size)))
            at, anchor = ((left + width / 2, top + step / 2), "mm") if not row else ((left + 4, top + step / 2), "lm")
            pen.text(at, content.phrase(rng, 5)[:most], anchor=anchor)
        if column and rng.random() < 0.6:
            middle = left - gap / 2
            thick = int(rng.integers(1, max(2, int(gap / 3))))
            pen.draw.line([middle, y0 + step / 2, middle, y1 - step / 2], fill=0, width=thick)
