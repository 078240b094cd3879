"""How far an example is from usual examples."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

K = 5  # neighbors
MOST_ROWS = 1000  # that are kept


class Neighbors(NamedTuple):
    """Mean distance to the k nearest of the usual examples that are kept, without the nearest one.

    The nearest one is left out because it is the example itself where this is one of them. The arrays and the
    operations are such that LiteRT has them.

    Args:
        center: a point, from which values are measured, float32 [D].
        factors: how values are scaled or whitened, float32 [D, D].
        rows: (usual examples - center) factors, float32 [n, D].

    References:
        Angiulli and Pizzuti 2002, "Fast outlier detection in high dimensional spaces", for the sum of k distances.
    """

    center: np.ndarray
    factors: np.ndarray
    rows: np.ndarray

    def __call__(self, values: np.ndarray | tf.Tensor) -> np.ndarray | tf.Tensor:
        """Returns the distance [B] of values [B, D]: an array in float64, or a float32 tensor in a graph."""
        num, dim = self.rows.shape
        k = min(K + 1, num)
        if not tf.is_tensor(values):
            from sklearn.neighbors import NearestNeighbors  # slow to import

            scaled = (np.asarray(values, np.float64) - self.center) @ self.factors.astype(np.float64)
            nearest = NearestNeighbors(n_neighbors=k).fit(self.rows.astype(np.float64)).kneighbors(scaled)[0]
            return np.maximum(nearest, _LEAST)[:, k > 1 :].mean(axis=-1)
        scaled, rows = (values - self.center) @ tf.constant(self.factors), tf.constant(self.rows)
        if dim <= _FEW:
            squares = tf.reduce_sum((scaled[:, tf.newaxis] - rows) ** 2, axis=-1)  # [B, n]
        else:  # faster, and too few digits only where distances are small, which they are in few dimensions
            length = tf.reduce_sum(scaled**2, axis=-1, keepdims=True)
            squares = length + tf.reduce_sum(rows**2, axis=-1) - 2.0 * tf.matmul(scaled, rows, transpose_b=True)
        nearest = tf.sqrt(tf.maximum(-tf.math.top_k(-squares, k).values, _LEAST**2))
        return tf.reduce_mean(nearest[:, k > 1 :], axis=-1)


def fit_neighbors(values: np.ndarray, seed: int) -> dict[str, Neighbors]:
    """Returns the distances in standard deviations of each column, and in whitened coordinates.

    Whitened coordinates, by the covariance of Ledoit and Wolf, show values that are usual alone, but not together.

    Args:
        values: float array [N, D]. A sample of 1,000 rows is kept.
        seed: integer seed of the sample.

    Returns:
        {"neighbors": `Neighbors`, "whitened_neighbors": `Neighbors`}.
    """
    from sklearn.covariance import LedoitWolf  # slow to import

    values = np.asarray(values, np.float64)
    if len(values) > MOST_ROWS:
        values = values[np.sort(np.random.default_rng(seed).choice(len(values), MOST_ROWS, replace=False))]
    center, scale = values.mean(axis=0), values.std(axis=0)
    scale = np.where(np.ptp(values, axis=0) > 0, scale, np.sqrt(np.mean(scale**2)) or 1.0)
    rows = (values - center) / scale
    covariance = LedoitWolf(assume_centered=True).fit(rows).covariance_ + _LEAST_VARIANCE * np.eye(len(scale))
    root = np.linalg.inv(np.linalg.cholesky(covariance)).T
    factors = {"neighbors": np.diag(1.0 / scale), "whitened_neighbors": root / scale[:, np.newaxis]}
    return {
        name: Neighbors(*(np.float32(each) for each in (center, factor, (values - center) @ factor)))
        for name, factor in factors.items()
    }


def usual_distances(distances: np.ndarray) -> np.ndarray:
    """Returns which distances to neighbors are no outliers, bool [N]: Tukey's fence for their logarithms.

        log distance <= Q3 + 1.5 (Q3 - Q1)

    References:
        Tukey 1977, "Exploratory data analysis".
    """
    logs = np.log(np.maximum(distances, _LEAST))
    low, high = np.quantile(logs, [0.25, 0.75])
    return logs <= high + 1.5 * (high - low)


_FEW = 8  # columns
_LEAST = 0.01  # standard deviations: smaller distances count as this one, as they could be rounding
_LEAST_VARIANCE = 1e-3
