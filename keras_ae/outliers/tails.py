import numpy as np
import tensorflow as tf

_BODY = 0.95  # fraction of usual values whose own distribution is used; the rest has an exponential tail
_MOST_KNOTS = 256  # of the distribution function, evenly spaced in probability


class Tail:
    """-log P(S >= s) for a statistic of usual examples, continuous and unbounded.

        -log P = -log of the empirical fraction, up to the 95% quantile u
        -log P = -log 0.05 + (s - u) / mean excess over u, beyond

    The empirical fraction alone could not tell apart two examples beyond all usual ones. It is interpolated between at
    most 256 quantiles.

    Args:
        values: the statistic of usual examples [n].

    Example:
        >>> import numpy as np
        >>> tail = Tail(np.random.default_rng(0).exponential(size=10_000))
        >>> tail(np.array([1.0, 8.0])).round(0).tolist()
        [1.0, 8.0]

    References:
        Pickands 1975, "Statistical inference using extreme order statistics": the generalized Pareto tail, here with
        shape 0.
    """

    def __init__(self, values: np.ndarray):
        values = np.sort(np.asarray(values, np.float64))
        self._start = float(np.quantile(values, _BODY))
        excess = values[values > self._start] - self._start
        spread = float(excess.mean()) if excess.size else float(values.std())
        self._excess = spread if spread > 0 else 1.0
        # The midpoints of the steps of the empirical distribution function.
        knots, first = np.unique(values, return_index=True)
        above = 1.0 - (first + 0.5 * np.diff(np.append(first, len(values)))) / len(values)
        kept = np.unique(np.linspace(0, len(knots) - 1, min(len(knots), _MOST_KNOTS)).round().astype(int))
        self._knots, self._above = knots[kept], above[kept]

    def __call__(self, s: np.ndarray | tf.Tensor) -> np.ndarray | tf.Tensor:
        """Returns -log P(S >= s) [B] for an array [B] or, in the graph of an export, for a tensor [B]."""
        if tf.is_tensor(s):
            return -tf.math.log(tf.maximum(self._interpolated(s), 1.0 - _BODY)) + self._beyond(s, tf.maximum)
        fraction = np.interp(s, self._knots, self._above)
        return -np.log(np.maximum(fraction, 1.0 - _BODY)) + self._beyond(s, np.maximum)

    def _beyond(self, s, maximum):
        return maximum(s - self._start, 0.0) / self._excess

    def _interpolated(self, s):
        """Returns what `np.interp` returns, by operations that LiteRT has: a sum over the pieces of the line."""
        widths, drops = (tf.constant(np.diff(values), s.dtype) for values in (self._knots, self._above))
        passed = (s[:, tf.newaxis] - tf.constant(self._knots[:-1], s.dtype)) / widths  # [B, K]
        return float(self._above[0]) + tf.reduce_sum(tf.clip_by_value(passed, 0.0, 1.0) * drops, axis=-1)
