"""Separated attribute predictability (SAP)."""

import numpy as np

from keras_ae.evaluate.disentanglement.splitting import split, standardized
from keras_ae.evaluate.metric_inputs import check_codes, check_factors
from keras_ae.validation.arguments import check_choice

CLASSIFIERS = ("thresholds", "linear_svm")


def predictability(codes, factors, *, classifier: str = "thresholds", seed: int = 0) -> np.ndarray:
    """How well each code dimension alone predicts each factor.

        continuous factor:  cov(z_j, v_k)^2 / (var(z_j) var(v_k))
        categorical factor: balanced accuracy, on a third of the examples, of a classifier of z_j

    Args:
        codes: codes [N, D].
        factors: {name: values [N]} or [N, F]; integers, strings and booleans are categories.
        classifier: `"thresholds"` cuts z_j into at most one interval per category (a decision tree), as in the paper;
            `"linear_svm"` is a linear support vector machine, as in disentanglement_lib. In one dimension, it cannot
            tell a category in the middle of others.
        seed: integer seed of the split.

    Returns:
        float64 [D, F], in [0, 1]; for constant codes 0, and 1 / K for K categories.

    Raises:
        ValueError: for other shapes, NaN or infinity, constant factors, and too few examples.

    Example:
        >>> z = np.linspace(0, 1, 30)[:, np.newaxis]
        >>> predictability(z, {"x": -3 * z[:, 0]}).round(6).tolist()
        [[1.0]]

    References:
        Kumar, Sattigeri and Balakrishnan 2018, arXiv:1711.00848, section 3.
    """
    check_choice("classifier", classifier, CLASSIFIERS)
    codes = check_codes(codes)
    factors = check_factors(factors, len(codes))
    train, test = split(len(codes), seed)
    codes = standardized(codes)
    columns = []
    for factor in factors:
        if factor.categorical:
            columns.append(
                [_balanced_accuracy(z[:, np.newaxis], factor.values, classifier, train, test) for z in codes.T]
            )
        else:
            values = standardized(factor.values[:, np.newaxis])
            columns.append(np.mean(codes * values, axis=0) ** 2)
    return np.clip(np.stack(columns, axis=1), 0.0, 1.0)


def separated_attribute_predictability(codes, factors, *, classifier: str = "thresholds", seed: int = 0) -> float:
    """SAP score: whether one code dimension predicts a factor better than all others.

        SAP = 1/F sum_k (S_first,k - S_second,k)

    S is `predictability`; first and second are the two dimensions that predict factor k best. The dimensions of a code
    that knows all factors predict K categories with chance 1 / K at least, so that the score of the identity is
    1 - 1 / K for them.

    Args:
        codes, factors, classifier, seed: as in `predictability`.

    Returns:
        float in [0, 1]; 0 for constant codes, and for codes that hold each dimension twice.

    Raises:
        ValueError: for other shapes, NaN or infinity, constant factors, and too few examples.

    Example:
        >>> z = np.random.default_rng(0).normal(size=[200, 2])
        >>> separated_attribute_predictability(z, {"x": z[:, 0], "y": z[:, 1]}) > 0.9
        True

    References:
        Kumar, Sattigeri and Balakrishnan 2018, arXiv:1711.00848, section 3.
    """
    scores = predictability(codes, factors, classifier=classifier, seed=seed)
    return gap(scores)


def gap(scores: np.ndarray) -> float:
    """Returns the mean over factors of the gap between the best two dimensions of scores [D, F]."""
    ordered = np.sort(np.pad(scores, [(1, 0), (0, 0)]), axis=0)  # of one dimension: a second is 0
    return float(np.mean(ordered[-1] - ordered[-2]))


def _balanced_accuracy(z, classes, classifier, train, test):
    from sklearn.svm import LinearSVC  # slow to import
    from sklearn.tree import DecisionTreeClassifier

    seen = np.unique(classes[train])
    if len(seen) < 2:
        predicted = np.full(len(test), seen[0])
    else:
        if classifier == "thresholds":
            model = DecisionTreeClassifier(max_leaf_nodes=len(seen), class_weight="balanced", random_state=0)
        else:
            model = LinearSVC(C=0.01, class_weight="balanced", dual=False)
        predicted = model.fit(z[train], classes[train]).predict(z[test])
    truth = classes[test]
    return np.mean([np.mean(predicted[truth == each] == each) for each in np.unique(truth)])
