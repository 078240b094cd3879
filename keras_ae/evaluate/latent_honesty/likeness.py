"""When an example is unlike data."""

from typing import Any

import numpy as np
import tensorflow as tf

from keras_ae.validation.arguments import check_array, check_number, check_size

_ROWS = 500  # rows whose distances from all of the reference are computed at once


class Likeness:
    """Says which examples are unlike data, by their distance from training examples.

        score(y) = distance from the features of y to its k-th nearest training example
        y is unlike data where score(y) > the `quantile` of the scores of held-out examples

    So a fraction 1 - `quantile` of real examples counts as unlike data, too, and of a model that generates like the
    data no more does. The score does not depend on the model: several models and samplers can be compared.

    Args:
        reference: features of training examples [M, F], M >= k.
        held_out: features of held-out examples [N, F], which set the threshold.
        k: which nearest training example, 5 as for precision and density.
        quantile: the fraction of held-out examples that are like data by definition, in (0, 1).

    Raises:
        ValueError: for other shapes, values that are not finite, and arguments out of range.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=[300, 2])
        >>> likeness = Likeness(x[:200], x[200:])
        >>> likeness.unlike(np.array([[0.0, 0.0], [9.0, 9.0]]))
        array([False,  True])

    References:
        Sun et al. 2022, arXiv:2204.06507, for the distance to the k-th neighbor as a score of unusual examples.
    """

    def __init__(self, reference: Any, held_out: Any, *, k: int = 5, quantile: float = 0.99):
        self.reference = _features("reference", reference)
        self.k = check_size("k", k)
        self.quantile = check_number("quantile", quantile)
        if not 0 < self.quantile < 1:
            raise ValueError(f"`quantile` must be in (0, 1). Received: quantile={quantile!r}")
        if len(self.reference) < self.k:
            raise ValueError(f"`reference` must have at least k = {k} examples. Received: {len(self.reference)}")
        self.held_out = self.scores(held_out)
        self.threshold = float(np.quantile(self.held_out, self.quantile))

    def scores(self, features: Any) -> np.ndarray:
        """Returns the distance of each example to its k-th nearest training example: float32 [N]."""
        features = _features("features", features)
        if features.shape[1] != self.reference.shape[1]:
            wanted, given = self.reference.shape[1], features.shape[1]
            raise ValueError(f"`features` must have {wanted} values per example. Received: {given}")
        parts = range(0, len(features), _ROWS)
        return np.concatenate([self.score_tensor(features[i : i + _ROWS]).numpy() for i in parts])

    def score_tensor(self, features: tf.Tensor) -> tf.Tensor:
        """Returns the same of a tensor [N, F], with a gradient."""
        # Far from the origin, the squares would lose the digits of the distances.
        center = self.reference.mean(axis=0, dtype=np.float64).astype(np.float32)
        features, reference = features - center, tf.constant(self.reference - center)
        products = tf.linalg.matmul(features, reference, transpose_b=True)
        squares = tf.reduce_sum(features**2, axis=1, keepdims=True) + tf.reduce_sum(reference**2, axis=1) - 2 * products
        nearest = -tf.math.top_k(-squares, self.k).values[:, -1]
        return tf.sqrt(tf.maximum(nearest, 1e-12))

    def unlike(self, features: Any) -> np.ndarray:
        """Says which examples, given by their features [N, F], are unlike data: bool [N]."""
        return self.scores(features) > self.threshold


def _features(name, values):
    values = check_array(values, name)
    return values.reshape(len(values), -1)
