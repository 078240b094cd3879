"""Binarization: each pixel becomes 1 with probability equal to its gray value."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from keras_ae.datasets.checks import check
from keras_ae.validation.arguments import check_size

if TYPE_CHECKING:
    import tensorflow as tf

MODES = (None, "fixed", "fresh")


def binarize(x: np.ndarray, seed: int) -> np.ndarray:
    """Binarizes images once (static binarization), as in published comparisons, which use seed 777.

    x = 1 where numpy.random.RandomState(seed).rand(*x.shape) < x

    Args:
        x: float array [N, ...] in [0, 1].
        seed: integer in [0, 2**32).

    Returns:
        float32 array [N, ...] of 0 and 1.

    Raises:
        ValueError: as `check`, and for an invalid seed.

    Example:
        >>> import numpy as np
        >>> binarize(np.array([[0.0, 1.0]]), seed=777)
        array([[0., 1.]], dtype=float32)

    References:
        Salakhutdinov and Murray, "On the quantitative analysis of deep belief networks", 2008.
    """
    x, seed = check(x), check_binarization_seed(seed)
    return np.concatenate([noise < part for part, noise in zip(*_chunks(x, seed), strict=False)]).astype(np.float32)


def check_binarization_seed(seed: int) -> int:
    """Returns `seed` as an `int`, or raises a `ValueError` if it is not one in [0, 2**32)."""
    return check_size("seed", seed, low=0, high=2**32 - 1)


def _chunks(x, seed, rows=4096):
    # Random numbers are drawn row by row, so chunks equal one large draw without holding it in float64.
    parts = (x[i : i + rows] for i in range(0, len(x), rows))
    sizes = (min(rows, len(x) - i) for i in range(0, len(x), rows))
    return parts, uniform_rows(x.shape[1:], sizes, seed)


def uniform_rows(shape: Sequence[int], sizes: Iterable[int], seed: int) -> Iterator[np.ndarray]:
    """Yields the thresholds of `binarize`, float64 [size, *shape] for each of `sizes`, in order."""
    generator = np.random.RandomState(seed)
    for size in sizes:
        yield generator.rand(size, *shape)


def fresh(x: "tf.Tensor", seed: int, epoch: "tf.Tensor", indices: "tf.Tensor") -> "tf.Tensor":
    """Binarizes a batch in the graph, with new draws in each epoch (dynamic binarization).

    Args:
        x: float tensor [B, ...] in [0, 1].
        seed: Python integer.
        epoch: integer scalar tensor.
        indices: integer tensor [B], the indices of the examples.

    Returns:
        float32 tensor [B, ...] of 0 and 1, a pure function of (x, seed, epoch, indices), not of the batches.
    """
    import tensorflow as tf

    from keras_ae import random

    # One seed for this epoch; the index of the example is the row.
    bits = random.random_bits([seed], tf.reshape(tf.cast(epoch, tf.int32), [1]), 1, stream=2)
    seeds = tf.fill([tf.size(indices)], tf.cast(bits[0, 0], tf.int32))
    x = tf.convert_to_tensor(x)
    # uniform is in (0, 1]: with "<=", white stays white and black stays black.
    noise = random.uniform(seeds, tf.cast(indices, tf.int32), int(np.prod(x.shape[1:])), stream=3)
    return tf.cast(tf.reshape(noise, tf.shape(x)) <= x, tf.float32)


def check_mode(mode: str | None, allowed: tuple = MODES) -> str | None:
    """Returns a mode of binarization, or raises a `ValueError` that lists the modes."""
    if mode not in allowed:
        hint = " Use `stream` or `batches` for new draws in each epoch." if mode == "fresh" else ""
        raise ValueError(f"`binarize` must be one of {allowed}.{hint} Received: binarize={mode!r}")
    return mode
