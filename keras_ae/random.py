"""Randomness: stateless seeds for training, and a portable generator for samples.

Training noise comes from `step_seed(seed, step)`, a stateless seed derived from a constant and the optimizer's step, so
a resumed run draws the same noise as an uninterrupted one.

`stateless_normal` and `stateless_uniform` draw it. Initial weights are drawn within `seeded_initializers`.

Samples come from `uniform`, `normal`, `index` and `categorical`: a counter-based generator that uses only 32-bit xor,
shift and multiply, a logarithm and a cosine. Every backend has these operations, so one seed gives the same image in
Keras, TF Serving, TFLite, C and a browser. Row `i` depends only on the seed and `i`: the first ten of a hundred samples
equal the samples of `num=10`.
"""

import contextlib
import math
import numbers
import random as python_random
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

MAX_SEED = 2**31 - 1

# TensorFlow's default on a CPU. Inside XLA, the default is chosen at run time and is many times slower: see
# `python benchmarks/noise.py`.
_ALGORITHM = "philox"

_GOLDEN = 0x9E3779B9
_ODD = 0x85EBCA6B
_TWO_PI = 2.0 * math.pi


def check_seed(seed: Any, name: str = "seed") -> int:
    """Returns `seed` as an `int`, or raises a `ValueError` if it is not one in [0, 2**31)."""
    if isinstance(seed, bool) or not isinstance(seed, numbers.Integral) or not 0 <= seed <= MAX_SEED:
        raise ValueError(f"`{name}` must be an integer in [0, 2**31). Received: {name}={seed!r}")
    return int(seed)


def step_seed(seed: int | tf.Tensor, step: int | tf.Tensor, replica: int | tf.Tensor = 0) -> tf.Tensor:
    """Returns a stateless seed for one training step.

    Args:
        seed: Python integer, or int32 tensor [].
        step: integer tensor, as `optimizer.iterations`.
        replica: integer or tensor, the index of the replica under `tf.distribute`.

    Returns:
        int32 tensor [2] for TensorFlow's stateless operations and TFP's `sample(seed=...)`.
    """
    mine = tf.cast(replica, tf.int32) * 0x1E3779B9  # odd: a different number for every replica, 0 for the first
    return tf.stack([tf.bitwise.bitwise_xor(tf.convert_to_tensor(seed, tf.int32), mine), tf.cast(step, tf.int32)])


@contextlib.contextmanager
def seeded_initializers(seed: int, name: str) -> Iterator[None]:
    """Context in which new initializers without a seed get one that is derived from a seed and a name.

    Keras draws such seeds from Python's `random`, whose state is restored afterwards.

    Args:
        seed: Python integer.
        name: string, the role of the weights; different names give different weights.
    """
    state = python_random.getstate()
    python_random.seed(f"{seed} {name}")
    try:
        yield
    finally:
        python_random.setstate(state)


def stateless_normal(shape: tuple | list | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draws standard normal training noise, float32 of a given shape, from a stateless seed (an int32 tensor [2])."""
    return tf.random.stateless_normal(shape, seed, alg=_ALGORITHM)


def stateless_uniform(shape: tuple | list | tf.Tensor, seed: tf.Tensor, *, low: float = 0.0) -> tf.Tensor:
    """As `stateless_normal`, but uniform in [low, 1)."""
    return tf.random.stateless_uniform(shape, seed, minval=low, alg=_ALGORITHM)


def _mix(bits):
    """Hashes uint32 values bijectively (C. Wellons, hash-prospector, "lowbias32", 2018)."""
    bits = tf.bitwise.bitwise_xor(bits, tf.bitwise.right_shift(bits, _u32(16)))
    bits = bits * _u32(0x7FEB352D)
    bits = tf.bitwise.bitwise_xor(bits, tf.bitwise.right_shift(bits, _u32(15)))
    bits = bits * _u32(0x846CA68B)
    return tf.bitwise.bitwise_xor(bits, tf.bitwise.right_shift(bits, _u32(16)))


def _u32(value):
    return tf.constant(value, tf.uint32)


def random_bits(seeds: tf.Tensor, rows: tf.Tensor, columns: int, stream: int = 0) -> tf.Tensor:
    """Returns uniform 32-bit integers, a pure function of their four coordinates.

    Args:
        seeds: int32 tensor [B], one seed per row.
        rows: int32 tensor [B], index of the row within its seed.
        columns: Python integer, number of values per row.
        stream: Python integer that separates independent draws within one sample.

    Returns:
        uint32 tensor [B, columns].
    """
    seeds = tf.cast(seeds, tf.uint32)
    rows = tf.cast(rows, tf.uint32)
    salt = (stream * 2 + 1) * _GOLDEN % 2**32
    # Two lanes make 64 bits of state, so rows of different seeds practically never coincide.
    lanes = [_mix(tf.bitwise.bitwise_xor(seeds, _u32(s))) for s in (salt, salt ^ 0xA5A5A5A5)]
    first, second = (_mix(tf.bitwise.bitwise_xor(lane, rows))[:, tf.newaxis] for lane in lanes)
    counter = tf.cast(tf.range(columns, dtype=tf.int32), tf.uint32)[tf.newaxis, :]
    return _mix(tf.bitwise.bitwise_xor(_mix(tf.bitwise.bitwise_xor(first, counter)), second))


def fork(seeds: tf.Tensor, number: int) -> tf.Tensor:
    """Derives seeds for one part of a sample, independent of the seeds of other parts.

    Args:
        seeds: int32 tensor [B].
        number: index of the part, a Python integer or an int32 tensor that broadcasts with `seeds`.

    Returns:
        uint32 tensor [B], valid as `seeds` of every function here.
    """
    if isinstance(number, int):
        salt = _u32((number * 2 + 1) * _ODD % 2**32)
    else:
        salt = (tf.cast(number, tf.uint32) * _u32(2) + _u32(1)) * _u32(_ODD)  # modulo 2**32
    return _mix(tf.bitwise.bitwise_xor(tf.cast(seeds, tf.uint32), salt))


def uniform(seeds: tf.Tensor, rows: tf.Tensor, columns: int, stream: int = 0) -> tf.Tensor:
    """Draws uniform numbers in (0, 1], float32 [B, columns]. Arguments are as in `random_bits`."""
    bits = tf.bitwise.right_shift(random_bits(seeds, rows, columns, stream), _u32(8))
    return (tf.cast(bits, tf.float32) + 0.5) * 2.0**-24


def normal(
    seeds: tf.Tensor, rows: tf.Tensor, columns: int, stream: int = 0, temperature: float | tf.Tensor = 1.0
) -> tf.Tensor:
    """Draws normal numbers by the method of Box and Muller (1958). Arguments are as in `random_bits`.

    Their standard deviation is the temperature, a number or a tensor []: with 1, they are standard normal.

    Returns:
        float32 tensor [B, columns], all of magnitude below 5.9 temperature.

    Example:
        >>> from keras_ae import random
        >>> random.normal([7, 7], [0, 1], 3).shape
        TensorShape([2, 3])
    """
    pairs = tf.reshape(uniform(seeds, rows, 2 * columns, stream), [-1, columns, 2])
    radius = temperature * tf.sqrt(-2.0 * tf.math.log(pairs[..., 0]))
    return radius * tf.cos(_TWO_PI * pairs[..., 1])


def index(seeds: tf.Tensor, rows: tf.Tensor, num: int, stream: int = 0) -> tf.Tensor:
    """Draws one integer of 0 ... num - 1 per row, uniformly. Other arguments are as in `random_bits`.

    Returns:
        int32 tensor [B].
    """
    drawn = tf.cast(uniform(seeds, rows, 1, stream)[:, 0] * num, tf.int32)  # up to num: uniform numbers are in (0, 1]
    return tf.minimum(drawn, num - 1)


def categorical(
    seeds: tf.Tensor, rows: tf.Tensor, logits: tf.Tensor, stream: int = 0, temperature: float | tf.Tensor = 1.0
) -> tf.Tensor:
    """Draws one category per row by the Gumbel-max trick.

    Args:
        seeds, rows, stream: as in `random_bits`.
        logits: float tensor [K] or [B, K], unnormalized log-probabilities.
        temperature: divisor of the logits, a number or a tensor [].

    Returns:
        int32 tensor [B].
    """
    # -log(-log u) is a Gumbel variable; u = 1 would give infinity and is clipped one step below.
    u = tf.minimum(uniform(seeds, rows, logits.shape[-1], stream), 1.0 - 2.0**-24)
    gumbel = -tf.math.log(-tf.math.log(u))
    return tf.argmax(logits / temperature + gumbel, axis=-1, output_type=tf.int32)
