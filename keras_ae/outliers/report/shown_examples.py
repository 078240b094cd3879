"""How an example is shown on the page: an image with its map, bars of columns, or a curve over the usual range."""

import base64
import dataclasses
import io
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from PIL import Image

from keras_ae.drawing.curve_grid import MAX_BARS, is_image
from keras_ae.drawing.image_grid import tile
from keras_ae.drawing.style import SURPRISE
from keras_ae.evaluate.report.figures import svg
from keras_ae.outliers.explanation import Usual
from keras_ae.outliers.report.reasons import top_reasons

MOST_SURPRISE = 10.0  # standard deviations, the bright end of the colors of a map
_LARGEST_SIDE = 256  # pixels
_BARS = 5


@dataclasses.dataclass(frozen=True)
class Shown:
    """An example of the page.

    Args:
        x: the example [*event].
        nats: deviance of each value above the mean of usual examples, [*event]; `None` if the likelihood has none.
        nearest: the usual example with the nearest code, or `None`.
        expected: the mean of p(x|z), in the units of the data, or `None`.
    """

    x: np.ndarray
    nats: np.ndarray | None = None
    nearest: np.ndarray | None = None
    expected: np.ndarray | None = None


def picture(
    shown: Shown, usual: Usual | None, names: Sequence[str], columns: Sequence[str], prefix: str
) -> dict[str, Any]:
    """Returns what the page shows of an example: "images", "bars" or "svg", each absent for other data.

    Args:
        shown: the example.
        usual: usual examples, or `None`.
        names: names of the values, in order.
        columns: names of the columns or channels, if they have any.
        prefix: begins every id in the element of a figure.
    """
    shape = shown.x.shape
    if is_image(shape):
        return {"images": _images(shown, usual)}
    if len(shape) == 1 and (columns or shape[0] <= MAX_BARS) and usual is not None:
        return {"bars": _bars(shown, usual, names)}
    return _curve(shown, usual, columns, prefix)


def surprise(nats: np.ndarray, usual: Usual) -> np.ndarray:
    """Returns nats above usual in standard deviations of that place, [*event].

    The median standard deviation of all places is added: without it, a place that never changes among usual examples
    would outshine all others.
    """
    return nats / np.maximum(usual.spread + np.median(usual.spread), 1e-6)


def scale() -> str:
    """Returns the colors of maps as a gradient of CSS."""
    shades = matplotlib.colormaps[SURPRISE](np.linspace(0, 1, 9))
    return f"linear-gradient(to right, {', '.join(map(matplotlib.colors.to_hex, shades))})"


def _images(shown, usual):
    found = [("example", _data_uri(_pixels(shown.x)))]
    if shown.nats is not None:
        heat = surprise(shown.nats, usual).reshape(*shown.x.shape[:2], -1).sum(axis=-1)
        colors = matplotlib.colormaps[SURPRISE](np.clip(heat / MOST_SURPRISE, 0.0, 1.0))[..., :3]
        found.append(("unusual places", _data_uri(colors)))
    if shown.nearest is not None:
        found.append(("nearest usual", _data_uri(_pixels(shown.nearest))))
    return found


def _pixels(x):
    return tile((x if x.ndim == 3 else x[..., np.newaxis])[np.newaxis])


def _data_uri(pixels):
    levels = np.round(255.0 * pixels).astype(np.uint8)
    image, content = Image.fromarray(levels[..., 0] if levels.shape[-1] == 1 else levels), io.BytesIO()
    image.thumbnail((_LARGEST_SIDE, _LARGEST_SIDE))
    image.save(content, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"


def _bars(shown, usual, names):
    """Returns the columns with the most nats: {"name", "value", "low", "high", "nats", "width"}, width in percent."""
    places, nats = (each[0] for each in top_reasons(shown.nats[np.newaxis], _BARS))
    low, high = np.quantile(usual.x[:, places], [0.05, 0.95], axis=0)
    most = max(float(nats[0]), 1e-9)
    rows = zip(places, nats, low, high, strict=True)
    return [
        {
            "name": names[place],
            "value": f"{shown.x[place]:.4g}",
            "usual": f"{a:.4g} to {b:.4g}",
            "nats": f"{n:+.1f}",
            "width": round(100 * max(float(n), 0.0) / most, 1),
        }
        for place, n, a, b in rows
    ]


def _curve(shown, usual, columns, prefix):
    """The channel of a sequence with the most nats."""
    x = shown.x.reshape(shown.x.shape[0], -1)
    detail = {"x_label": "step", "y_label": "value"}
    if usual is None:
        return {"svg": svg("curve", {"x": np.arange(len(x)), "y": x[:, 0], **detail}, prefix)}
    heat = surprise(shown.nats, usual).reshape(x.shape)
    channel = int(shown.nats.reshape(x.shape).sum(axis=0).argmax())
    if x.shape[1] > 1:
        detail["y_label"] = columns[channel] if columns else f"column {channel}"
    detail["expected"] = shown.expected.reshape(x.shape)[:, channel]
    known = usual.x.reshape(-1, *x.shape)[:, :, channel]
    low, high = np.quantile(known, [0.05, 0.95], axis=0)
    strip = np.clip(heat[:, channel] / MOST_SURPRISE, 0.0, 1.0)
    return {"svg": svg("band", {"y": x[:, channel], "low": low, "high": high, "surprise": strip, **detail}, prefix)}
