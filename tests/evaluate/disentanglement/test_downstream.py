"""Downstream accuracy, beside scikit-learn."""

import numpy as np
from known_codes import FACTORS, NOISY, NUM
from sklearn.linear_model import LogisticRegression

from keras_ae.evaluate.disentanglement import downstream_accuracy


def test_downstream_accuracy_is_that_of_the_classifier_on_other_examples():
    found = downstream_accuracy(NOISY, {"shape": FACTORS["shape"]}, train_sizes=(100, 600))
    order = np.random.default_rng(0).permutation(NUM)
    train, test = order[:600], order[600:]
    model = LogisticRegression(max_iter=1000).fit(NOISY[train], FACTORS["shape"][train])
    # The codes were not standardized here, which changes the penalty.
    np.testing.assert_allclose(found.accuracy[1, 0], model.score(NOISY[test], FACTORS["shape"][test]), atol=0.02)
    assert found.train_sizes == (100, 600) and found.factors == ("shape",)


def test_boosted_trees_learn_what_is_not_linear():
    z = np.random.default_rng(0).normal(size=[600, 2])
    factors = {"same_sign": z[:, 0] * z[:, 1] > 0}
    found = {
        name: downstream_accuracy(z, factors, classifier=name, train_sizes=(10, 400)).accuracy[1, 0]
        for name in ("boosted_trees", "logistic_regression")
    }
    assert found["boosted_trees"] > 0.9 > 0.7 > found["logistic_regression"]
