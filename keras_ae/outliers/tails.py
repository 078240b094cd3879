import numpy as np

_BODY = 0.95  # fraction of usual values whose own distribution is used; the rest has an exponential tail


class Tail:
    """-log P(S >= s) for a statistic of usual examples, continuous and unbounded.

        -log P = -log of the empirical fraction, up to the 95 % quantile u
        -log P = -log 0.05 + (s - u) / mean excess over u, beyond

    The empirical fraction alone could not tell apart two examples beyond all usual ones.

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
        self._values, first = np.unique(values, return_index=True)
        counts = np.diff(np.append(first, len(values)))
        self._above = 1.0 - (first + 0.5 * counts) / len(values)

    def __call__(self, s: np.ndarray) -> np.ndarray:
        body = -np.log(np.maximum(np.interp(s, self._values, self._above, left=1.0), 1.0 - _BODY))
        return np.where(s > self._start, -np.log(1.0 - _BODY) + np.maximum(s - self._start, 0.0) / self._excess, body)
