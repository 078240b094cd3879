"""Digits drawn from pen strokes, with known properties: ground truth for conditioning and disentanglement.

Image `i` of seed `s` is a pure function of (s, i). `render` draws digits with any properties.

Example:
    >>> from keras_ae.datasets import strokes
    >>> x, y = strokes.generate(4, seed=0)
    >>> x.shape, sorted(y)
    ((4, 28, 28, 1), ['digit', 'rotation', 'size', 'slant', 'style', 'thickness', 'variant'])
"""

import numpy as np

from keras_ae.datasets.strokes.pen_paths import STYLE
from keras_ae.datasets.strokes.rendering import render
from keras_ae.datasets.strokes.sampling import RANGES, UNITS, sample_properties

__all__ = ["RANGES", "STYLE", "UNITS", "generate", "render", "sample_properties"]


def generate(indices: int | np.ndarray, seed: int = 0) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Generates the digits of a seed.

    Args:
        indices: an integer N for the first N, or an integer array [N].
        seed: integer in [0, 2**31).

    Returns:
        (x, y): float32 images [N, 28, 28, 1] in [0, 1], and the properties of `sample_properties`.
    """
    properties = sample_properties(indices, seed)
    return render(properties), properties
