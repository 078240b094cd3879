"""Jacobians by differences, which no automatic differentiation has a part in."""

import numpy as np
import tensorflow as tf

_STEP = 2.0**-7  # a smaller one would show the rounding of float32, a larger one the curvature


def jacobians(function, points):
    """Central differences of a map of points [B, D] to [B, D], row by row: float64 [B, D, D]."""
    points = np.asarray(points, "float32")
    columns = []
    for offset in _STEP * np.eye(points.shape[1], dtype="float32"):
        above, below = (np.asarray(function(tf.constant(p)), "float64") for p in (points + offset, points - offset))
        columns.append((above - below) / (2 * _STEP))
    return np.stack(columns, axis=-1)
