"""Accuracy of classifiers that learn factors from codes, for several numbers of training examples."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from keras_ae.evaluate.disentanglement.splitting import standardized
from keras_ae.evaluate.metric_inputs import check_codes, check_factors
from keras_ae.evaluate.threads import threads_for
from keras_ae.random import check_seed
from keras_ae.validation.arguments import check_choice, check_size, check_widths

CLASSIFIERS = ("logistic_regression", "boosted_trees")
TRAIN_SIZES = (10, 100, 1000, 10_000)


class DownstreamAccuracy(NamedTuple):
    """Result of `downstream_accuracy`.

    Attributes:
        train_sizes: numbers of training examples, S of them.
        factors: names of the factors, F of them.
        accuracy: accuracy on test examples, float64 [S, F].
    """

    train_sizes: tuple[int, ...]
    factors: tuple[str, ...]
    accuracy: np.ndarray


def downstream_accuracy(
    codes,
    factors,
    *,
    classifier: str = "logistic_regression",
    train_sizes: Sequence[int] = (10, 100, 1000),
    max_test: int = 2000,
    num_groups: int = 10,
    seed: int = 0,
) -> DownstreamAccuracy:
    """Trains classifiers of factors on codes, and measures their accuracy on other examples.

    Args:
        codes: codes [N, D].
        factors: {name: values [N]} or [N, F]; integers, strings and booleans are categories.
        classifier: `"logistic_regression"` or `"boosted_trees"`, scikit-learn's histogram-based ones (30 rounds).
        train_sizes: ascending numbers of training examples, fewer than N.
        max_test: number of test examples, at most N - the largest number of training examples.
        num_groups: number of quantiles into which a continuous factor is binned.
        seed: integer seed of the examples. Smaller training sets are parts of larger ones.

    Returns:
        A `DownstreamAccuracy`. For constant codes, the share of the class that is the most frequent in training.

    Raises:
        ValueError: for other shapes, NaN or infinity, constant factors, and more training examples than rows.

    Example:
        >>> z = np.random.default_rng(0).normal(size=[300, 2])
        >>> found = downstream_accuracy(z, {"positive": z[:, 0] > 0}, train_sizes=(10, 200))
        >>> found.accuracy.shape, bool(found.accuracy[1, 0] > 0.95)
        ((2, 1), True)

    References:
        Locatello et al. 2019, arXiv:1811.12359, section 5.5.
    """
    check_choice("classifier", classifier, CLASSIFIERS)
    sizes = check_widths("train_sizes", train_sizes, each="numbers of training examples")
    codes = check_codes(codes)
    factors = check_factors(factors, len(codes))
    if list(sizes) != sorted(set(sizes)) or sizes[-1] >= len(codes):
        raise ValueError(
            f"`train_sizes` must be ascending and fewer than the {len(codes)} examples. Received: {list(sizes)}"
        )
    order = np.random.default_rng(check_seed(seed)).permutation(len(codes))
    test = order[sizes[-1] : sizes[-1] + check_size("max_test", max_test)]
    codes = standardized(codes)
    found = np.empty((len(sizes), len(factors)))
    for column, factor in enumerate(factors):
        classes = factor.classes(num_groups)
        for row, size in enumerate(sizes):
            train = order[:size]
            found[row, column] = np.mean(_predicted(classifier, codes, classes, train, test) == classes[test])
    return DownstreamAccuracy(sizes, tuple(each.name for each in factors), found)


def _predicted(classifier, codes, classes, train, test):
    from sklearn.ensemble import HistGradientBoostingClassifier  # slow to import
    from sklearn.linear_model import LogisticRegression

    seen = np.unique(classes[train])
    if len(seen) == 1:
        return seen[0]
    if classifier == "logistic_regression":
        model = LogisticRegression(max_iter=1000)
    else:
        leaf = min(20, max(len(train) // 20, 1))
        model = HistGradientBoostingClassifier(max_iter=30, min_samples_leaf=leaf, early_stopping=False, random_state=0)
    with threads_for(len(train) * codes.shape[1]):
        return model.fit(codes[train], classes[train]).predict(codes[test])
