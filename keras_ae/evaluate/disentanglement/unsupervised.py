"""Dependence of code dimensions on each other, without factors."""

import numpy as np

from keras_ae.evaluate.disentanglement.mutual_information import information
from keras_ae.evaluate.metric_inputs import check_codes, discretize

_SMALLEST = 1e-7  # eigenvalue of a correlation matrix, in the precision of float32 codes


def gaussian_total_correlation(codes) -> float:
    """Total correlation of a normal distribution with the covariance of the codes.

        TC = KL(N(m, C) || N(m, diag C)) = -1/2 log det R,  R the correlation matrix

    Constant dimensions are left out. Eigenvalues of R below 1e-7 count as 1e-7, so that each linear dependence of
    dimensions adds about 8 nats.

    Args:
        codes: codes [N, D].

    Returns:
        float >= 0, nats; 0 for uncorrelated or constant codes.

    Raises:
        ValueError: for other shapes, NaN or infinity.

    Example:
        >>> gaussian_total_correlation([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
        0.0

    References:
        Watanabe 1960, "Information theoretical analysis of multivariate correlation"; Locatello et al. 2019,
        arXiv:1811.12359, section 5.3.
    """
    codes = check_codes(codes)
    codes = codes[:, np.ptp(codes, axis=0) > 0]
    if codes.shape[1] < 2:
        return 0.0
    values = np.linalg.eigvalsh(np.corrcoef(codes, rowvar=False))
    return max(0.0, float(-0.5 * np.log(np.maximum(values, _SMALLEST)).sum()))


def gaussian_wasserstein_correlation(codes, *, normalize: bool = True) -> float:
    """Squared Wasserstein distance between normal distributions with and without the correlations of the codes.

        W = 2 tr(C) - 2 tr((V^(1/2) C V^(1/2))^(1/2)),  V = diag(C)

    Args:
        codes: codes [N, D].
        normalize: whether to divide by tr(C), which makes the number independent of the unit of the codes.

    Returns:
        float >= 0; 0 for uncorrelated or constant codes.

    Raises:
        ValueError: for other shapes, NaN or infinity.

    Example:
        >>> round(gaussian_wasserstein_correlation([[0.0, 0.0], [1.0, 1.0]]), 3)  # 2 - sqrt(2)
        0.586

    References:
        Watanabe 1960; Xiao and Wang 2019, arXiv:1902.05092; Locatello et al. 2019, arXiv:1811.12359, section 5.3.
    """
    codes = check_codes(codes)
    covariance = np.atleast_2d(np.cov(codes, rowvar=False))
    total = float(np.trace(covariance))
    if total == 0 or not np.ptp(codes, axis=0).any():
        return 0.0
    roots = np.sqrt(np.diag(covariance))
    values = np.linalg.eigvalsh(roots[:, np.newaxis] * covariance * roots)
    distance = max(2.0 * total - 2.0 * float(np.sqrt(np.maximum(values, 0.0)).sum()), 0.0)
    return distance / total if normalize else distance


def mutual_information_score(codes, *, num_bins: int = 20) -> float:
    """Mean mutual information of two different code dimensions, from bins of equal width.

        1 / (D (D - 1)) sum_{i != j} I(z_i; z_j)

    Args:
        codes: codes [N, D].
        num_bins: number of bins.

    Returns:
        float >= 0, nats; 0 for constant codes and for one dimension.

    Raises:
        ValueError: for other shapes, NaN or infinity.

    Example:
        >>> round(mutual_information_score([[0.0, 0.0], [1.0, 1.0]]), 3)  # log 2
        0.693

    References:
        Locatello et al. 2019, arXiv:1811.12359, section 5.3.
    """
    return pairwise_score(discretize(check_codes(codes), num_bins))


def pairwise_score(bins: np.ndarray) -> float:
    """The mean mutual information of different columns of bins [N, D]."""
    num = bins.shape[1]
    if num < 2:
        return 0.0
    pairs = [information(bins[:, [j]], bins[:, j + 1 :]).sum() for j in range(num - 1)]
    return float(2.0 * np.sum(pairs) / (num * (num - 1)))
