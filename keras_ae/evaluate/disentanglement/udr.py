"""Unsupervised disentanglement ranking (UDR)."""

from collections.abc import Sequence

import numpy as np

from keras_ae.evaluate.disentanglement.splitting import standardized
from keras_ae.evaluate.metric_inputs import check_codes, subsample
from keras_ae.validation.arguments import check_choice, check_number

SIMILARITIES = ("spearman", "lasso")


def unsupervised_disentanglement_ranking(
    codes: Sequence,
    *,
    similarity: str = "spearman",
    min_std: float = 0.05,
    max_examples: int = 5000,
    seed: int = 0,
) -> np.ndarray:
    """UDR: whether models of one recipe and several seeds find the same code dimensions, without factors.

        UDR_ij = 1 / (D_i + D_j) (sum_b r_b^2 / sum_a R_ab + sum_a r_a^2 / sum_b R_ab),  r_b = max_a R_ab
        UDR_i = median over j != i of UDR_ij

    R_ab is the similarity of dimension a of model i and b of model j. A dimension is left out if the model does not use
    it.

    Args:
        codes: codes [N, D_i] of the same examples for each of at least two models.
        similarity: `"spearman"`, the absolute rank correlation, or `"lasso"`, the absolute weights of a Lasso
            regression (alpha = 0.1) of each dimension of model j on the standardized code of model i.
        min_std: dimensions with a smaller standard deviation, relative to the largest of the model, are left out. (The
            paper leaves out those with a KL below 0.01 nats.)
        max_examples: number of examples that are drawn from the data.
        seed: integer seed of the draw.

    Returns:
        float64 [number of models], in [0, 1]; 1 if all models agree up to order and sign, 0 for constant codes.

    Raises:
        ValueError: for other shapes, NaN or infinity, and fewer than two models.

    Example:
        >>> z = np.random.default_rng(0).normal(size=[500, 2])
        >>> bool((unsupervised_disentanglement_ranking([z, -z[:, ::-1], z]) > 0.9).all())
        True

    References:
        Duan et al. 2020, arXiv:1905.12614, equations 2 and 3.
    """
    check_choice("similarity", similarity, SIMILARITIES)
    check_number("min_std", min_std, low=0.0)
    codes = [check_codes(each, f"codes[{number}]") for number, each in enumerate(codes)]
    if len(codes) < 2 or len({len(each) for each in codes}) > 1:
        shapes = ", ".join(str(list(each.shape)) for each in codes)
        raise ValueError(f"`codes` must be codes of the same examples for at least two models. Received: {shapes}")
    rows = subsample(len(codes[0]), max_examples, seed)
    codes = [_used(each[rows], min_std) for each in codes]
    measure = _rank_correlations if similarity == "spearman" else _lasso_weights
    scores = np.full((len(codes), len(codes)), np.nan)
    for i, first in enumerate(codes):
        for j, second in enumerate(codes):
            if i != j:
                scores[i, j] = _agreement(measure(first, second)) if first.size and second.size else 0.0
    return np.nanmedian(scores, axis=1)


def _used(codes, min_std):
    scale = np.where(np.ptp(codes, axis=0) > 0, codes.std(axis=0), 0.0)
    return standardized(codes[:, (scale > 0) & (scale >= min_std * scale.max())])


def _agreement(similarity):
    """The score of a matrix of similarities [D_i, D_j]."""
    parts = [similarity.max(axis=axis) ** 2 / np.maximum(similarity.sum(axis=axis), 1e-12) for axis in (0, 1)]
    return sum(map(np.sum, parts)) / sum(similarity.shape)


def _rank_correlations(first, second):
    from scipy.stats import rankdata  # slow to import

    first, second = (standardized(rankdata(each, axis=0)) for each in (first, second))
    return np.clip(np.abs(first.T @ second) / len(first), 0.0, 1.0)


def _lasso_weights(first, second):
    from sklearn.linear_model import Lasso  # slow to import

    return np.abs(np.stack([Lasso(alpha=0.1).fit(first, column).coef_ for column in second.T], axis=1))
