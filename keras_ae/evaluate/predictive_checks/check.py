import dataclasses
from collections.abc import Callable

import numpy as np


@dataclasses.dataclass(frozen=True)
class PredictiveCheck:
    """Result of `predictive_check` for one statistic of D columns.

    Attributes:
        real: the statistic of the real data, float64 [D].
        generated: its mean over replicates, float64 [D].
        low, high: its 95% interval over replicates, float64 [D].
        p_values: two-sided posterior predictive p-value of each column, float64 [D], in (0, 1].
        error: mean absolute difference of `generated` and `real`, relative to the spread of `real` over columns if
            there are several, and to `|real|` for a single column.
        inside: fraction of columns whose real value lies in the interval.
    """

    real: np.ndarray
    generated: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p_values: np.ndarray
    error: float
    inside: float


STATISTICS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mean": lambda x: x.mean(axis=0),
    "standard_deviation": lambda x: x.std(axis=0),
    "zero_fraction": lambda x: (x == 0).mean(axis=0),
    "lower_quantile": lambda x: np.quantile(x, 0.05, axis=0),
    "upper_quantile": lambda x: np.quantile(x, 0.95, axis=0),
    "maximum": lambda x: x.max(axis=0),
}


def predictive_check(real: np.ndarray, replicates: np.ndarray, statistic: Callable | str) -> PredictiveCheck:
    """Compares a statistic of real data with the same statistic of data sets that a model generated.

        p_d = min(1, 2 min(P(T(x_rep)_d >= T(x)_d), P(T(x_rep)_d <= T(x)_d)))

    The probabilities are estimated with one replicate added on both sides, so that no p-value is 0. Data that is used
    twice, to fit and to check, makes these p-values conservative: they crowd around 1.

    Args:
        real: rows [N, D].
        replicates: R generated data sets [R, M, D], at least two.
        statistic: a name in `STATISTICS`, or a function of rows [N, D] to numbers [D].

    Returns:
        A `PredictiveCheck`.

    Raises:
        ValueError: for other shapes, NaN or infinity, or an unknown statistic.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> x = rng.poisson(3.0, size=[500, 4])
        >>> good = predictive_check(x, rng.poisson(3.0, size=[40, 500, 4]), "zero_fraction")
        >>> bad = predictive_check(x, rng.normal(3.0, 1.7, size=[40, 500, 4]), "zero_fraction")
        >>> good.inside > 0.5, bad.inside
        (True, 0.0)

    References:
        Gelman, Meng and Stern 1996, "Posterior predictive assessment of model fitness via realized discrepancies".
    """
    real, replicates = np.asarray(real, np.float64), np.asarray(replicates, np.float64)
    if real.ndim != 2 or not len(real) or not np.isfinite(real).all():
        raise ValueError(f"`real` must be finite rows [N, D]. Received: shape {list(real.shape)}")
    fits = (
        replicates.ndim == 3 and len(replicates) >= 2 and replicates.shape[1] and replicates.shape[2] == real.shape[1]
    )
    if not fits or not np.isfinite(replicates).all():
        raise ValueError(
            f"`replicates` must be finite data sets [R, M, {real.shape[1]}], R >= 2. "
            f"Received: shape {list(replicates.shape)}"
        )
    if isinstance(statistic, str) and statistic not in STATISTICS:
        raise ValueError(f"`statistic` must be one of {', '.join(STATISTICS)}. Received: {statistic!r}")
    function = STATISTICS[statistic] if isinstance(statistic, str) else statistic
    truth, found = function(real), np.stack([function(each) for each in replicates])  # [D], [R, D]
    above, below = (
        (compare(found, truth).sum(axis=0) + 1) / (len(found) + 1) for compare in (np.greater_equal, np.less_equal)
    )
    low, high = np.quantile(found, [0.025, 0.975], axis=0)
    mean = found.mean(axis=0)
    spread = truth.std() if len(truth) > 1 else abs(truth[0])
    error = np.abs(mean - truth).mean() / (spread if spread > 0 else 1.0)
    inside = (low <= truth) & (truth <= high)
    p_values = np.minimum(2.0 * np.minimum(above, below), 1.0)
    return PredictiveCheck(truth, mean, low, high, p_values, float(error), float(inside.mean()))
