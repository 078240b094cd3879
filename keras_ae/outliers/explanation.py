"""Why an example is an outlier: nats of each value, the nearest usual example, and what it would have to look like."""

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from keras_ae.input_checks import context_tensor


@dataclasses.dataclass(frozen=True)
class Explanation:
    """Result of `explain`, for N examples.

    Attributes:
        nats: -log p(x_i|z) of each value at the mean of q(z|x), float32 [N, *event]. They add up to `reconstruction`.
        reconstruction: -log p(x|z), float64 [N].
        deviance: nats of each value above those at the best location for it, float32 [N, *event]: it does not
            count the entropy of the value. `nats` for a likelihood without a closed form of it.
        surprise: how unusual the deviance is at that place: (deviance - mean) / standard deviation over usual
            examples.
        nearest: row of the usual example with the nearest code, int64 [N].
        counterfactual: the decoded point on the line from the code to the nearest usual code, at which the example
            would no longer be an outlier, in the units of the data, float32 [N, *event].
        distance: the fraction of that line, in [0, 1]: 0 if the reconstruction itself is usual.
    """

    nats: np.ndarray
    reconstruction: np.ndarray
    deviance: np.ndarray
    surprise: np.ndarray
    nearest: np.ndarray
    counterfactual: np.ndarray
    distance: np.ndarray


class Usual:
    """Usual examples, with which others are compared.

    Args:
        detector: a fitted `OutlierDetector`.
        x: usual examples [M, *event], at least two.
        condition: their conditions, for a conditional model.

    Attributes:
        mean, spread: mean and standard deviation of the deviance of each value, [*event].
        codes: means of q(z|x), [M, D].

    Raises:
        ValueError: for a likelihood whose values are not independent.
    """

    def __init__(self, detector, x: np.ndarray, condition: Any = None):
        from sklearn.neighbors import NearestNeighbors  # slow to import

        self.detector, self.x = detector, np.asarray(x, np.float32)
        _, deviance, self.codes = self.parts(self.x, condition)
        self.mean, self.spread = deviance.mean(axis=0), deviance.std(axis=0)
        self._neighbors = NearestNeighbors(n_neighbors=1).fit(self.codes)

    def parts(self, x: np.ndarray, condition: Any = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns nats and deviance of each value, [N, *event], and the means of q(z|x), [N, D]: see `Explanation`."""
        model = self.detector.model_
        x = self.detector.scaling_(np.asarray(x, np.float32))
        z = model.encode(x, condition)
        params, x = model.likelihood_params(z, context_tensor(model, condition, len(x))), tf.convert_to_tensor(x)
        try:
            log_prob = model.likelihood_layer.value_log_prob(params, x)
        except NotImplementedError as error:
            raise ValueError(f"`detector` must have a likelihood with independent values. Received: {error}") from None
        try:
            best = model.likelihood_layer.best_log_prob(params, x)
        except NotImplementedError:
            best = 0.0
        return -log_prob.numpy(), (best - log_prob).numpy(), z.numpy()

    def decoded(self, codes: np.ndarray, condition: Any = None) -> np.ndarray:
        """Returns the mean of p(x|z) in the units of the data, [N, *event]."""
        return self.detector.scaling_.inverse(np.asarray(self.detector.model_.decode(codes, condition)))

    def nearest(self, codes: np.ndarray) -> np.ndarray:
        """Returns the row of the usual example with the nearest code, int64 [N]."""
        return self._neighbors.kneighbors(codes)[1][:, 0]


def explain(
    detector, X: np.ndarray, usual: np.ndarray, condition: Any = None, usual_condition: Any = None, *, steps: int = 5
) -> Explanation:
    """Explains the scores of examples against usual ones, for a model with independent values.

    Args:
        detector: a fitted `OutlierDetector`.
        X: examples [N, *event].
        usual: usual examples [M, *event], at least two.
        condition: the conditions of the examples, for a conditional model.
        usual_condition: the conditions of the usual examples.
        steps: number of points on the line to the nearest usual code.

    Returns:
        An `Explanation`.

    Raises:
        ValueError: for a likelihood whose values are not independent.

    Example:
        >>> import numpy as np
        >>> from keras_ae.outliers import OutlierDetector
        >>> x = np.random.default_rng(0).normal(size=[200, 4])
        >>> detector = OutlierDetector(epochs=2, random_state=0).fit(x)
        >>> strange = np.array([[0.0, 0.0, 50.0, 0.0]])
        >>> int(explain(detector, strange, x).nats[0].argmax())
        2
    """
    known = Usual(detector, usual, usual_condition)
    nats, deviance, codes = known.parts(X, condition)
    surprise = (deviance - known.mean) / np.where(known.spread > 0, known.spread, 1.0)
    nearest = known.nearest(codes)
    found, distance = None, np.ones(len(codes))
    for t in np.linspace(1.0, 0.0, steps):
        decoded = known.decoded((1 - t) * codes + t * known.codes[nearest], condition)
        fits = np.ones(len(codes), bool) if found is None else detector.predict(decoded, condition) == 1
        found = decoded if found is None else np.where(_column(fits, decoded), decoded, found)
        distance[fits] = t
    total = nats.reshape(len(nats), -1).astype(np.float64).sum(axis=1)
    return Explanation(nats, total, deviance, surprise, nearest, found.astype(np.float32), distance)


def _column(values, like):
    return values.reshape([-1] + [1] * (like.ndim - 1))
