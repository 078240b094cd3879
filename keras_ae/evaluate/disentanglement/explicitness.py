import numpy as np

from keras_ae.evaluate.disentanglement.splitting import split, standardized
from keras_ae.evaluate.metric_inputs import check_codes, check_factors, subsample
from keras_ae.evaluate.threads import threads_for


def explicitness(codes, factors, *, num_groups: int = 10, max_examples: int = 5000, seed: int = 0) -> float:
    """Explicitness: whether a linear classifier of the code recognizes each value of each factor.

        explicitness = mean over factors k and values a of AUC(p(v_k = a | z))

    The probabilities come from a logistic regression on two thirds of the examples; the areas under its ROC curves,
    each value against the others, are measured on the rest.

    Args:
        codes: codes [N, D].
        factors: {name: values [N]} or [N, F]; integers, strings and booleans are categories.
        num_groups: number of quantiles into which a continuous factor is binned.
        max_examples: number of examples that are drawn from the data.
        seed: integer seed of the draw and the split.

    Returns:
        float in [0, 1]; 0.5 for constant codes.

    Raises:
        ValueError: for other shapes, NaN or infinity, constant factors, and too few examples.

    Example:
        >>> z = np.linspace(-1, 1, 60)[:, np.newaxis]
        >>> explicitness(z, {"positive": z[:, 0] > 0})
        1.0

    References:
        Ridgeway and Mozer 2018, arXiv:1802.05312, section 4.
    """
    from sklearn.linear_model import LogisticRegression  # slow to import
    from sklearn.metrics import roc_auc_score

    codes = check_codes(codes)
    factors = check_factors(factors, len(codes))
    rows = subsample(len(codes), max_examples, seed)
    train, test = split(len(rows), seed)
    codes = standardized(codes[rows])
    scores = []
    for factor in factors:
        classes = factor.classes(num_groups)[rows]
        seen = np.unique(classes[train])
        if len(seen) < 2:
            scores.append(0.5)
            continue
        with threads_for(codes.size):
            model = LogisticRegression(max_iter=1000).fit(codes[train], classes[train])
        chances = model.predict_proba(codes[test])
        truth = [(classes[test] == each) for each in seen]
        areas = [roc_auc_score(is_one, p) for is_one, p in zip(truth, chances.T, strict=True) if 0 < is_one.mean() < 1]
        scores.append(np.mean(areas) if areas else 0.5)
    return float(np.mean(scores))
