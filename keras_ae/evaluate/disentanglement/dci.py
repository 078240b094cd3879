"""Disentanglement, completeness and informativeness (DCI)."""

import dataclasses

import numpy as np

from keras_ae.evaluate.disentanglement.mutual_information import check_several
from keras_ae.evaluate.disentanglement.splitting import split, standardized
from keras_ae.evaluate.metric_inputs import check_codes, check_factors, subsample
from keras_ae.validation.arguments import check_choice

PREDICTORS = ("random_forest", "boosted_trees")


@dataclasses.dataclass(frozen=True)
class DCI:
    """Result of `dci`.

    Attributes:
        disentanglement: whether each code dimension matters for one factor only, in [0, 1].
        completeness: whether each factor is predicted by one code dimension only, in [0, 1].
        informativeness: how well the code predicts the factors: the mean over factors of the accuracy of categorical
            and R^2 of continuous ones on test examples, in [0, 1].
        importance: relative importance of each code dimension for each factor, float64 [D, F].
    """

    disentanglement: float
    completeness: float
    informativeness: float
    importance: np.ndarray


def dci(codes, factors, *, predictor: str = "random_forest", max_examples: int = 5000, seed: int = 0) -> DCI:
    """Disentanglement, completeness and informativeness of a code, from the importances of trees.

        p_jk = R_jk / sum_k R_jk,  D_j = 1 + sum_k p_jk log_F p_jk,  disentanglement = sum_j w_j D_j
        q_jk = R_jk / sum_j R_jk,  C_k = 1 + sum_j q_jk log_D q_jk,  completeness = sum_k u_k C_k

    R_jk is the importance of code dimension j for the prediction of factor k. The weights w_j and u_k are the shares of
    a dimension and of a factor in all importances. Trees are trained on two thirds of the examples; informativeness is
    measured on the others.

    Args:
        codes: codes [N, D].
        factors: {name: values [N]} or [N, F], at least two; integers, strings and booleans are categories, which are
            classified, and others are regressed.
        predictor: `"random_forest"`, 50 trees, as in the paper, or `"boosted_trees"`, as in disentanglement_lib, which
            takes about ten times as long.
        max_examples: number of examples that are drawn from the data.
        seed: integer seed of the draw, the split and the trees.

    Returns:
        A `DCI`. Constant codes have no importances, and a disentanglement and completeness of 0. A code of one
        dimension has a completeness of 1.

    Raises:
        ValueError: for other shapes, NaN or infinity, constant factors, a single factor, and too few examples.

    Example:
        >>> z = np.random.default_rng(0).normal(size=[300, 2])
        >>> found = dci(z, {"x": z[:, 0], "y": z[:, 1]})
        >>> found.disentanglement > 0.9, found.completeness > 0.9, found.informativeness > 0.9
        (True, True, True)

    References:
        Eastwood and Williams 2018, "A framework for the quantitative evaluation of disentangled representations".
    """
    check_choice("predictor", predictor, PREDICTORS)
    codes = check_codes(codes)
    factors = check_factors(factors, len(codes))
    check_several(len(factors))
    rows = subsample(len(codes), max_examples, seed)
    codes = standardized(codes[rows])
    train, test = split(len(rows), seed)
    columns, scores = [], []
    for factor in factors:
        values = factor.values[rows]
        model = _trees(predictor, factor.categorical, seed)
        if len(np.unique(values[train])) < 2:  # boosted trees need two classes
            columns.append(np.zeros(codes.shape[1]))
            scores.append(np.mean(values[test] == values[train][0]))
            continue
        model.fit(codes[train], values[train])
        columns.append(model.feature_importances_)
        predicted = model.predict(codes[test])
        scores.append(np.mean(predicted == values[test]) if factor.categorical else _r_squared(values[test], predicted))
    importance = np.abs(np.stack(columns, axis=1))
    return DCI(
        disentanglement=_concentration(importance),
        completeness=_concentration(importance.T),
        informativeness=float(np.mean(scores)),
        importance=importance,
    )


def _trees(predictor, categorical, seed):
    from sklearn import ensemble  # slow to import

    if predictor == "boosted_trees":
        return (ensemble.GradientBoostingClassifier if categorical else ensemble.GradientBoostingRegressor)(
            random_state=seed
        )
    # A split considers all dimensions: in a random subset, others would get importance in place of the best one.
    settings = {"n_estimators": 50, "min_samples_leaf": 2, "max_features": 1.0, "random_state": seed}
    return (ensemble.RandomForestClassifier if categorical else ensemble.RandomForestRegressor)(**settings)


def _concentration(importance):
    """Returns the weighted mean over rows of one minus the entropy of their shares, in base of their length."""
    total, per_row = importance.sum(), importance.sum(axis=1)
    if total == 0:
        return 0.0
    if importance.shape[1] == 1:
        return 1.0
    shares = importance / np.where(per_row > 0, per_row, 1.0)[:, np.newaxis]
    logs = np.log(np.where(shares > 0, shares, 1.0)) / np.log(importance.shape[1])
    return float(np.sum(per_row / total * (1.0 + (shares * logs).sum(axis=1))))


def _r_squared(values, predicted):
    total = float(((values - values.mean()) ** 2).sum())
    return max(1.0 - float(((values - predicted) ** 2).sum()) / total, 0.0) if total > 0 else 0.0
