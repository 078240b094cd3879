"""A counter-based random generator in NumPy: each number is a pure function of (seed, row, column).

It gives the same bits as `keras_ae.random.random_bits`, without TensorFlow.
"""

import numpy as np

_GOLDEN = 0x9E3779B9


def _mix(bits):
    """Hashes uint32 values bijectively (C. Wellons, hash-prospector, "lowbias32", 2018)."""
    bits = (bits ^ (bits >> np.uint32(16))) * np.uint32(0x7FEB352D)
    bits = (bits ^ (bits >> np.uint32(15))) * np.uint32(0x846CA68B)
    return bits ^ (bits >> np.uint32(16))


def uniform(seed: int, rows: np.ndarray, columns: int, stream: int = 0) -> np.ndarray:
    """Returns uniform numbers in (0, 1).

    Args:
        seed: integer in [0, 2**31).
        rows: integer array [N], indices of the rows.
        columns: number of values per row.
        stream: integer that separates independent draws for one row.

    Returns:
        float64 array [N, columns].

    Example:
        >>> bool((uniform(7, [3, 5], 2)[1] == uniform(7, [5], 2)[0]).all())
        True
    """
    rows = np.asarray(rows).astype(np.uint32)
    seeds = np.full(rows.shape, seed, np.uint32)
    salt = (stream * 2 + 1) * _GOLDEN % 2**32
    first, second = (_mix(_mix(seeds ^ np.uint32(s)) ^ rows)[:, np.newaxis] for s in (salt, salt ^ 0xA5A5A5A5))
    counter = np.arange(columns, dtype=np.uint32)[np.newaxis, :]
    bits = _mix(_mix(first ^ counter) ^ second)
    return ((bits >> np.uint32(8)) + 0.5) * 2.0**-24


def normal(seed: int, rows: np.ndarray, columns: int, stream: int = 0) -> np.ndarray:
    """Returns standard normal numbers by Box and Muller (1958), float64 [N, columns]. Arguments as in `uniform`."""
    pairs = uniform(seed, rows, 2 * columns, stream).reshape(-1, columns, 2)
    return np.sqrt(-2.0 * np.log(pairs[..., 0])) * np.cos(2.0 * np.pi * pairs[..., 1])
