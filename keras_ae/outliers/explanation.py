"""Why an example is an outlier: nats of each value, the nearest usual example, and what it would have to look like."""

import dataclasses

import numpy as np
import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Explanation:
    """Result of `explain`, for N examples.

    Attributes:
        nats: -log p(x_i|z) of each value at the mean of q(z|x), float32 [N, *event]. They add up to `reconstruction`.
        reconstruction: -log p(x|z), float64 [N].
        surprise: how unusual the nats are at that place: (nats - mean) / standard deviation over usual examples.
        nearest: row of the usual example with the nearest code, int64 [N].
        counterfactual: the decoded point on the line from the code to the nearest usual code, at which the example
            would no longer be an outlier, in the units of the data, float32 [N, *event].
        distance: the fraction of that line, in [0, 1]: 0 if the reconstruction itself is usual.
    """

    nats: np.ndarray
    reconstruction: np.ndarray
    surprise: np.ndarray
    nearest: np.ndarray
    counterfactual: np.ndarray
    distance: np.ndarray


def explain(detector, X, usual, *, steps: int = 5) -> Explanation:
    """Explains the scores of examples against usual ones, for an unconditional model with independent values.

    Args:
        detector: a fitted `OutlierDetector`.
        X: examples [N, *event].
        usual: usual examples [M, *event], at least two.
        steps: number of points on the line to the nearest usual code.

    Returns:
        An `Explanation`.

    Raises:
        ValueError: for a conditional model, or a likelihood whose values are not independent.

    Example:
        >>> import numpy as np
        >>> from keras_ae.outliers import OutlierDetector
        >>> x = np.random.default_rng(0).normal(size=[200, 4])
        >>> detector = OutlierDetector(epochs=2, random_state=0).fit(x)
        >>> strange = np.array([[0.0, 0.0, 50.0, 0.0]])
        >>> int(explain(detector, strange, x).nats[0].argmax())
        2
    """
    from sklearn.neighbors import NearestNeighbors  # slow to import

    model = detector.model_
    if model.condition is not None:
        raise ValueError("`detector` must have an unconditional model to explain. Received: a conditional model")
    x, usual = (detector.scaling_(np.asarray(each, np.float32)) for each in (X, usual))
    nats, codes = _nats_and_codes(model, x)
    usual_nats, usual_codes = _nats_and_codes(model, usual)
    spread = usual_nats.std(axis=0)
    surprise = (nats - usual_nats.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    nearest = NearestNeighbors(n_neighbors=1).fit(usual_codes).kneighbors(codes)[1][:, 0]
    found, distance = None, np.ones(len(x))
    for t in np.linspace(1.0, 0.0, steps):
        decoded = np.asarray(model.decode((1 - t) * codes + t * usual_codes[nearest]))
        decoded = detector.scaling_.inverse(decoded)
        fits = np.ones(len(x), bool) if found is None else detector.predict(decoded) == 1
        found = decoded if found is None else np.where(_column(fits, decoded), decoded, found)
        distance[fits] = t
    total = nats.reshape(len(x), -1).astype(np.float64).sum(axis=1)
    return Explanation(nats, total, surprise, nearest, found.astype(np.float32), distance)


def _nats_and_codes(model, x):
    z = model.encode(x)
    params = model.likelihood_params(z)
    try:
        log_prob = model.likelihood_layer.value_log_prob(params, tf.convert_to_tensor(x))
    except NotImplementedError as error:
        raise ValueError(f"`detector` must have a likelihood with independent values. Received: {error}") from None
    return -log_prob.numpy(), z.numpy()


def _column(values, like):
    return values.reshape([-1] + [1] * (like.ndim - 1))
