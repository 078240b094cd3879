"""Codes whose disentanglement is known, and factors of both kinds."""

import numpy as np

RNG = np.random.default_rng(0)
NUM = 900
FACTORS = {
    "shape": RNG.integers(4, size=NUM),
    "angle": RNG.normal(size=NUM).astype("float32"),
    "size": RNG.uniform(-2, 2, NUM).astype("float32"),
}
IDENTITY = np.stack([(values - values.mean()) / values.std() for values in FACTORS.values()], axis=1)
ROTATION = np.array([[1, 1, 1], [1, -1, 0], [1, 1, -2]]) / np.sqrt([[3], [2], [6]])
CODES = {
    "identity": IDENTITY,
    "rotated": IDENTITY @ ROTATION,
    "duplicated": np.concatenate([IDENTITY, IDENTITY], axis=1),
    "constant": np.full((NUM, 2), 0.3),
}
NOISY = IDENTITY @ (np.eye(3) + 0.3 * RNG.normal(size=(3, 3))) + 0.3 * RNG.normal(size=(NUM, 3))
