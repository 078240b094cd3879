import numpy as np

from keras_ae.evaluate.metric_inputs import check_codes, check_factors
from keras_ae.validation.arguments import check_number


def interventional_robustness(codes, factors, *, quantile: float = 0.99, num_groups: int = 10) -> float:
    """Interventional robustness score (IRS): whether a code dimension stays where it is while other factors vary.

        deviation_jk = mean over values a of v_k of Q(|z_j - E[z_j | v_k = a]| given v_k = a)
        IRS = sum_j w_j max_k (1 - deviation_jk / m_j) / sum_j w_j,  w_j = m_j = max |z_j - E[z_j]|

    Q is a quantile, in place of the maximum, for robustness against outliers.

    Args:
        codes: codes [N, D].
        factors: {name: values [N]} or [N, F]; integers, strings and booleans are categories.
        quantile: the quantile, in (0, 1]; 0.99 in disentanglement_lib.
        num_groups: number of quantiles into which a continuous factor is binned.

    Returns:
        float in [0, 1]; 1 if each dimension is a function of one categorical factor, less by the width of its groups
        for a continuous one, 0 for constant codes.

    Raises:
        ValueError: for other shapes, NaN or infinity, and constant factors.

    Example:
        >>> interventional_robustness([[0.0], [0.0], [1.0], [1.0]], {"shape": [0, 0, 1, 1], "color": [0, 1, 0, 1]})
        1.0

    References:
        Suter et al. 2019, arXiv:1811.00007, section 4.
    """
    codes = check_codes(codes)
    classes = np.stack([each.classes(num_groups) for each in check_factors(factors, len(codes))], axis=1)
    return robustness_of_classes(codes, classes, quantile)


def robustness_of_classes(codes, classes, quantile=0.99):
    """The score of codes [N, D] and classes [N, F]."""
    if not 0 < check_number("quantile", quantile) <= 1:
        raise ValueError(f"`quantile` must be in (0, 1]. Received: quantile={quantile}")
    codes = codes[:, np.ptp(codes, axis=0) > 0]
    if not codes.shape[1]:
        return 0.0
    largest = np.abs(codes - codes.mean(axis=0)).max(axis=0)  # [D]
    deviations = []
    for column in classes.T:
        groups = [codes[column == each] for each in np.unique(column)]
        deviations.append(np.mean([np.quantile(np.abs(z - z.mean(axis=0)), quantile, axis=0) for z in groups], axis=0))
    robust = np.maximum(1.0 - np.min(deviations, axis=0) / largest, 0.0)
    return float(np.average(robust, weights=largest))
