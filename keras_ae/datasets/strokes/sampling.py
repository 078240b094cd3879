"""The properties of the digits: definitions, ranges and sampling."""

import numpy as np

from keras_ae.datasets.strokes import counter
from keras_ae.datasets.strokes.glyphs import WEIGHTS
from keras_ae.datasets.strokes.pen_paths import STYLE

RANGES = {"slant": (-24.0, 38.0), "thickness": (1.3, 4.3), "size": (0.78, 1.08), "rotation": (-18.0, 18.0)}
UNITS = {"slant": "degrees", "thickness": "pixels", "size": "of 17 pixels", "rotation": "degrees"}


def sample_properties(indices: int | np.ndarray, seed: int = 0) -> dict[str, np.ndarray]:
    """Draws the properties of digits; digit `i` is a pure function of (seed, i).

    Digits are equally likely. Slant, thickness, size and rotation are independent, bell-shaped and bounded: the mean of
    three uniform numbers on the range in `RANGES`, with a standard deviation of a sixth of its width. The style is
    standard normal.

    Args:
        indices: an integer N for the first N, or an integer array [N].
        seed: integer in [0, 2**31).

    Returns:
        A dict of arrays: `digit` int32 [N]; `variant` int32 [N], the variant of the glyph; `slant` float32 [N],
        degrees, positive to the right; `thickness` float32 [N], pixels; `size` float32 [N], 1 is a pen path 17
        pixels tall; `rotation` float32 [N], degrees, positive counter-clockwise; `style` float32 [N, 8], see `STYLE`.

    Raises:
        ValueError: if an index is negative or not an integer, or if the seed is out of range.

    Example:
        >>> properties = sample_properties(3, seed=1)
        >>> properties["style"].shape, bool(properties["slant"][2] == sample_properties([2], seed=1)["slant"][0])
        ((3, 8), True)
    """
    indices = _indices(indices)
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**31:
        raise ValueError(f"`seed` must be an integer in [0, 2**31). Received: seed={seed!r}")
    chance = counter.uniform(seed, indices, 2 + 3 * len(RANGES))
    digit = np.minimum(chance[:, 0] * 10, 9).astype(np.int32)
    properties = {"digit": digit, "variant": _variants(digit, chance[:, 1])}
    for k, (name, (low, high)) in enumerate(RANGES.items()):
        a, b, c = (chance[:, 2 + 3 * k + j] for j in range(3))
        properties[name] = (low + (high - low) * (a + b + c) / 3.0).astype(np.float32)
    properties["style"] = counter.normal(seed, indices, len(STYLE), stream=1).astype(np.float32)
    return properties


def _indices(indices):
    array = np.asarray(indices)
    if array.dtype.kind not in "iu" or array.ndim > 1 or (array.size and array.min() < 0):
        raise ValueError(f"`indices` must be a number >= 0 or an array [N] of them. Received: indices={indices!r}")
    return np.arange(int(array)) if array.ndim == 0 else array


def _variants(digit, chance):
    """Draws the variant of each digit [N] from `WEIGHTS` by uniform numbers [N]."""
    most = max(map(len, WEIGHTS.values()))
    edges = np.ones((10, most - 1))
    for number, weights in WEIGHTS.items():
        edges[number, : len(weights) - 1] = np.cumsum(weights)[:-1]
    return (chance[:, np.newaxis] >= edges[digit]).sum(1).astype(np.int32)
