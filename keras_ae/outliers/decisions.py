"""From scores to decisions with a stated rate of false alarms: p-values, false discoveries, drift."""

import dataclasses

import numpy as np


def conformal_p_values(scores: np.ndarray, calibration: np.ndarray) -> np.ndarray:
    """Returns the conformal p-value of each score: how usual it is among calibration scores.

        p = (1 + #{calibration scores >= score}) / (n + 1)

    If the calibration examples and a new usual example are exchangeable, P(p <= a) <= a for every a, for any model, any
    score and any n. The smallest possible p-value is 1 / (n + 1).

    Args:
        scores: scores [N]; higher is more anomalous.
        calibration: scores [n] of held-out usual examples.

    Returns:
        float64 array [N], in (0, 1].

    Raises:
        ValueError: for an empty calibration set, or NaN.

    Example:
        >>> import numpy as np
        >>> conformal_p_values(np.array([0.5, 9.0]), np.array([0.0, 1.0, 2.0])).tolist()
        [0.75, 0.25]

    References:
        Vovk, Gammerman and Shafer 2005, "Algorithmic learning in a random world", section 2.2; Laxhammar and Falkman
        2010, "Conformal prediction for distribution-independent anomaly detection in streaming vessel data".
    """
    scores, calibration = _scores("scores", scores), np.sort(_scores("calibration", calibration))
    if not len(calibration):
        raise ValueError("`calibration` must have at least one score. Received: none")
    at_least = len(calibration) - np.searchsorted(calibration, scores, side="left")
    return (1.0 + at_least) / (len(calibration) + 1.0)


def threshold(calibration: np.ndarray, false_alarms: float) -> float:
    """Returns the score above which `conformal_p_values` are at most a rate of false alarms.

    Args:
        calibration: scores [n] of held-out usual examples.
        false_alarms: the rate, in (0, 1).

    Raises:
        ValueError: if there are too few scores for this rate: they must be at least 1 / rate - 1.

    Example:
        >>> threshold(np.arange(99.0), 0.05)
        94.0
    """
    rate, calibration = check_rate("false_alarms", false_alarms), np.sort(_scores("calibration", calibration))
    num = len(calibration)
    # How many of the possible p-values are at most the rate.
    passing = int(np.searchsorted(np.arange(1.0, num + 2.0) / (num + 1.0), rate, side="right"))
    if not passing:
        raise ValueError(
            f"`false_alarms` must be at least {1 / (num + 1):.2g}, which {num} held-out examples can tell; a "
            f"smaller rate needs more of them. Received: {rate}"
        )
    return float(calibration[num - passing])


def discoveries(p_values: np.ndarray, rate: float) -> np.ndarray:
    """Returns which examples to report so that at most a share `rate` of the reports are false, in expectation.

    Benjamini and Hochberg's procedure: with sorted p-values, reports the first k for the largest k with
    p_k <= k rate / N.

    Args:
        p_values: p-values [N] of one batch.
        rate: the false discovery rate, in (0, 1).

    Returns:
        bool array [N].

    Raises:
        ValueError: for a rate outside (0, 1).

    Example:
        >>> import numpy as np
        >>> discoveries(np.array([0.001, 0.9, 0.02, 0.5]), 0.1).tolist()
        [True, False, True, False]

    References:
        Benjamini and Hochberg 1995, "Controlling the false discovery rate"; Bates et al. 2023, arXiv:2104.08279,
        theorem 2, for conformal p-values that share a calibration set.
    """
    p_values, rate = _scores("p_values", p_values), check_rate("rate", rate)
    order = np.argsort(p_values)
    below = np.flatnonzero(p_values[order] <= rate * np.arange(1, len(p_values) + 1) / max(len(p_values), 1))
    found = np.zeros(len(p_values), bool)
    if below.size:
        found[order[: below[-1] + 1]] = True
    return found


@dataclasses.dataclass(frozen=True)
class Drift:
    """Result of `drift`.

    Attributes:
        statistic: the largest distance of the two distribution functions, in [0, 1].
        p_value: probability of such a distance without drift.
    """

    statistic: float
    p_value: float


def drift(scores: np.ndarray, calibration: np.ndarray) -> Drift:
    """Tests whether a batch of scores follows the calibration scores: the two-sample Kolmogorov-Smirnov test.

    Args:
        scores: scores [N] of a batch, at least two.
        calibration: scores [n] of held-out usual examples, at least two.

    Returns:
        A `Drift`.

    Raises:
        ValueError: for fewer scores, or NaN.
    """
    from scipy.stats import ks_2samp  # slow to import

    scores, calibration = _scores("scores", scores), _scores("calibration", calibration)
    for name, values in (("scores", scores), ("calibration", calibration)):
        if len(values) < 2:
            raise ValueError(f"`{name}` must have at least two scores. Received: {len(values)}")
    found = ks_2samp(scores, calibration)
    return Drift(float(found.statistic), float(found.pvalue))


def check_rate(name: str, rate: float) -> float:
    """Returns a rate in (0, 1), or raises a `ValueError`."""
    if isinstance(rate, bool) or not isinstance(rate, (int, float, np.floating)) or not 0 < rate < 1:
        raise ValueError(f"`{name}` must be in (0, 1). Received: {name}={rate!r}")
    return float(rate)


def _scores(name, values):
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or np.isnan(values).any():
        raise ValueError(f"`{name}` must be numbers [N] without NaN. Received: shape {list(values.shape)}")
    return values
