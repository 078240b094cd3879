"""Numbers with their uncertainty: means, fractions and bootstrap intervals."""

from collections.abc import Callable

import numpy as np

from keras_ae.evaluate.metric import Measurement

_Z = 1.959963984540054  # 97.5 % quantile of the standard normal distribution


def mean_measurement(name: str, values, **fields) -> Measurement:
    """Returns the mean of independent values [N], with its standard error and the normal 95 % interval.

        standard_error = sqrt(sum_i (v_i - mean)^2 / (N (N - 1)))

    One value has no standard error and no interval.
    """
    values = np.asarray(values, np.float64)
    mean = float(values.mean())
    if len(values) < 2:
        return Measurement(name, mean, **fields)
    error = float(values.std(ddof=1) / np.sqrt(len(values)))
    return Measurement(name, mean, error, (mean - _Z * error, mean + _Z * error), **fields)


def runs_measurement(name: str, values, **fields) -> Measurement:
    """Returns the mean over a few runs, such as seeds [S], with its standard error and Student's 95 % interval.

    One run has no standard error and no interval.
    """
    from scipy.special import stdtrit  # slow to import

    values = np.asarray(values, np.float64)
    mean, num = float(values.mean()), len(values)
    if num < 2:
        return Measurement(name, mean, **fields)
    error = float(values.std(ddof=1) / np.sqrt(num))
    half = float(stdtrit(num - 1, 0.975)) * error
    return Measurement(name, mean, error, (mean - half, mean + half), **fields)


def fraction_measurement(name: str, hits, **fields) -> Measurement:
    """Returns the fraction of true values [N], with its standard error and Wilson's 95 % interval.

    References:
        Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    hits = np.asarray(hits, bool)
    num, p = len(hits), float(hits.mean())
    center = (p + _Z**2 / (2 * num)) / (1 + _Z**2 / num)
    half = _Z / (1 + _Z**2 / num) * float(np.sqrt(p * (1 - p) / num + _Z**2 / (4 * num**2)))
    fields = {"unit": "fraction", **fields}
    error = float(np.sqrt(p * (1 - p) / num))
    return Measurement(name, p, error, (max(center - half, 0.0), min(center + half, 1.0)), **fields)


def bootstrap_measurement(
    name: str,
    function: Callable[..., float],
    *arrays: np.ndarray,
    num: int = 200,
    seed: int = 0,
    percentile: bool = True,
    **fields,
) -> Measurement:
    """Returns a statistic of rows, with the standard error and the 95 % interval of its bootstrap.

    Args:
        name: name of the measurement.
        function: function of the arrays to a number.
        *arrays: arrays with the same number of rows, which are resampled together.
        num: number of resamples.
        seed: integer seed of the resamples.
        percentile: whether the interval is between percentiles of the resamples; otherwise it is the normal interval
            around the value, for statistics that repeated rows bias, such as entropies of bins.
        **fields: other fields of the `Measurement`.

    References:
        Efron 1979, "Bootstrap methods: another look at the jackknife".
    """
    rng, rows = np.random.default_rng(seed), len(arrays[0])
    draws = []
    for _ in range(num):
        index = rng.integers(rows, size=rows)
        draws.append(function(*(array[index] for array in arrays)))
    value, error = float(function(*arrays)), float(np.std(draws, ddof=1))
    low, high = np.quantile(draws, [0.025, 0.975]) if percentile else (value - _Z * error, value + _Z * error)
    return Measurement(name, value, error, (float(low), float(high)), **fields)


def area_under_roc(positive: np.ndarray, scores: np.ndarray) -> tuple[float, tuple[float, float]]:
    """Returns the area under the ROC curve and its 95 % interval, with the standard error of Hanley and McNeil.

        area = P(score of a positive > score of a negative) + P(equal) / 2

    Args:
        positive: bool [N].
        scores: numbers [N]; higher for positives.

    Raises:
        ValueError: if all or none are positive.

    Example:
        >>> import numpy as np
        >>> area_under_roc(np.array([True, False, True, False]), np.array([0.9, 0.5, 0.5, 0.1]))[0]
        0.875

    References:
        Hanley and McNeil 1982, "The meaning and use of the area under a receiver operating characteristic (ROC) curve".
    """
    from scipy.stats import rankdata  # slow to import

    positive = np.asarray(positive, bool)
    num, other = int(positive.sum()), int((~positive).sum())
    if not num or not other:
        raise ValueError(f"`positive` must have true and false values. Received: {num} true, {other} false")
    area = float((rankdata(scores)[positive].sum() - num * (num + 1) / 2) / (num * other))
    first, second = area / (2.0 - area), 2.0 * area**2 / (1.0 + area)
    variance = area * (1.0 - area) + (num - 1) * (first - area**2) + (other - 1) * (second - area**2)
    half = _Z * float(np.sqrt(max(variance, 0.0) / (num * other)))
    return area, (max(area - half, 0.0), min(area + half, 1.0))
