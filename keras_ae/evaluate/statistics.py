"""Numbers with their uncertainty: means, fractions, choices and bootstrap intervals."""

from collections.abc import Callable

import numpy as np

from keras_ae.evaluate.metric import Measurement

_Z = 1.959963984540054  # 97.5% quantile of the standard normal distribution
_ROUNDING = 1e-6  # relative, of numbers in float32


def mean_measurement(name: str, values, **fields) -> Measurement:
    """Returns the mean of independent values [N], with its standard error and the normal 95% interval.

        standard_error = sqrt(sum_i (v_i - mean)^2 / (N (N - 1)))

    One value has no standard error and no interval, and neither have equal values, which show no uncertainty.
    """
    values = np.asarray(values, np.float64)
    return _around(name, float(values.mean()), _error_of_mean(values), _Z, **fields)


def runs_measurement(name: str, values, **fields) -> Measurement:
    """Returns the mean over a few runs, such as seeds [S], with its standard error and Student's 95% interval.

    One run has no standard error and no interval, and neither have equal runs, which show no uncertainty.
    """
    from scipy.special import stdtrit  # slow to import

    values = np.asarray(values, np.float64)
    quantile = float(stdtrit(max(len(values) - 1, 1), 0.975))
    return _around(name, float(values.mean()), _error_of_mean(values), quantile, **fields)


def choices_measurement(name: str, choices, **fields) -> Measurement:
    """Returns the (lower) median of integers that a few runs chose, with all of them as details, without an interval.

    A mean and a t interval would take the order of few integers for normal noise.
    """
    choices = sorted(int(each) for each in choices)
    fields["details"] = {**fields.get("details", {}), "choices": choices}
    return Measurement(name, float(choices[(len(choices) - 1) // 2]), **fields)


def fraction_measurement(name: str, hits, **fields) -> Measurement:
    """Returns the fraction of true values [N], with its standard error and Wilson's 95% interval.

    Fractions of 0 and 1 have no standard error: its estimate would be 0.

    References:
        Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    hits = np.asarray(hits, bool)
    num, p = len(hits), float(hits.mean())
    center = (p + _Z**2 / (2 * num)) / (1 + _Z**2 / num)
    half = _Z / (1 + _Z**2 / num) * float(np.sqrt(p * (1 - p) / num + _Z**2 / (4 * num**2)))
    fields = {"unit": "fraction", **fields}
    error = float(np.sqrt(p * (1 - p) / num)) or None
    # At fractions of 0 and 1, rounding must not put an end of the interval on the wrong side of the fraction.
    return Measurement(name, p, error, (min(max(center - half, 0.0), p), max(min(center + half, 1.0), p)), **fields)


def bootstrap_measurement(
    name: str,
    function: Callable[..., float],
    *arrays: np.ndarray,
    num: int = 200,
    seed: int = 0,
    bounds: tuple[float, float] = (-np.inf, np.inf),
    **fields,
) -> Measurement:
    """Returns a statistic of rows, with the standard error and the normal 95% interval of its bootstrap.

    Args:
        name: name of the measurement.
        function: function of the arrays to a number.
        *arrays: arrays with the same number of rows, which are resampled together.
        num: number of resamples.
        seed: integer seed of the resamples.
        bounds: the least and the greatest possible value, at which the interval ends.
        **fields: other fields of the `Measurement`.

    References:
        Efron 1979, "Bootstrap methods: another look at the jackknife".
    """
    rng, rows = np.random.default_rng(seed), len(arrays[0])
    draws = []
    for _ in range(num):
        index = rng.integers(rows, size=rows)
        draws.append(function(*(array[index] for array in arrays)))
    return resampled_measurement(name, function(*arrays), draws, bounds, **fields)


def resampled_measurement(
    name: str, value: float, draws, bounds: tuple[float, float] = (-np.inf, np.inf), **fields
) -> Measurement:
    """Returns a value with the standard error of its resamples [R], and the normal 95% interval around the value.

        standard_error = standard deviation of the draws,  interval = value -+ 1.96 standard_error

    The interval is not between percentiles of the draws: rows that a resample has twice bias entropies, matchings and
    minima, so that all draws may lie on one side of the value. Resamples that are all equal show no uncertainty: then
    there is no interval.
    """
    error = float(np.std(draws, ddof=1)) if len(draws) > 1 else 0.0
    return _around(name, float(value), error, _Z, bounds, **fields)


def error_measurement(name: str, value: float, error: float | None, **fields) -> Measurement:
    """Returns a value with a known standard error and its normal 95% interval; `None`, NaN and 0 are no error."""
    return _around(name, value, error or 0.0, _Z, **fields)


def _around(name, value, error, quantile, bounds=(-np.inf, np.inf), **fields):
    """Returns value -+ quantile * error. An error of 0, up to the rounding of float32, is no error and no interval."""
    if not error > _ROUNDING * abs(value):
        return Measurement(name, value, **fields)
    low, high = np.clip([value - quantile * error, value + quantile * error], *bounds)
    return Measurement(name, value, error, (float(low), float(high)), **fields)


def _error_of_mean(values):
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0


def area_under_roc(positive: np.ndarray, scores: np.ndarray) -> tuple[float, tuple[float, float]]:
    """Returns the area under the ROC curve and its 95% interval.

        area = P(score of a positive > score of a negative) + P(equal) / 2

    The interval has all areas A with |A - area| <= 1.96 s(A), where s is the standard error of Hanley and McNeil. So it
    is in [0, 1], and has a width at areas of 0 and 1, too, like Wilson's interval of a fraction.

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
        Hanley and McNeil 1982, "The meaning and use of the area under a receiver operating characteristic (ROC) curve";
        Newcombe 2006, "Confidence intervals for an effect size measure based on the Mann-Whitney statistic", part 2.
    """
    from scipy.optimize import brentq  # slow to import
    from scipy.stats import rankdata

    positive = np.asarray(positive, bool)
    num, other = int(positive.sum()), int((~positive).sum())
    if not num or not other:
        raise ValueError(f"`positive` must have true and false values. Received: {num} true, {other} false")
    area = float((rankdata(scores)[positive].sum() - num * (num + 1) / 2) / (num * other))

    def excess(a):
        first, second = a / (2.0 - a), 2.0 * a**2 / (1.0 + a)
        variance = a * (1.0 - a) + (num - 1) * (first - a**2) + (other - 1) * (second - a**2)
        return (a - area) ** 2 - _Z**2 * variance / (num * other)

    low = 0.0 if area < _NEAR else brentq(excess, 0.0, area - _NEAR / 2)
    high = 1.0 if area > 1.0 - _NEAR else brentq(excess, area + _NEAR / 2, 1.0)
    return area, (float(low), float(high))


_NEAR = 1e-12  # areas that differ by less are equal
