"""The expected deviance of a code is a ridge regression on the code and its products."""

import numpy as np
import pytest
import tensorflow as tf
from sklearn.linear_model import RidgeCV
from sklearn.preprocessing import PolynomialFeatures

from keras_ae.outliers.expected_deviance import fit_expected_deviance

RNG = np.random.default_rng(0)


def test_it_predicts_as_a_ridge_regression_of_scikit_learn():
    codes = RNG.normal(size=[500, 3]) @ RNG.normal(size=[3, 3]) + [1e2, 0.0, -5.0]
    deviance = np.exp(1.0 + 0.3 * RNG.normal(size=500) + 0.1 * codes[:, 1])
    fitted = fit_expected_deviance(codes, deviance, 0)
    whitened = (codes - codes.mean(axis=0)) @ fitted.factors
    np.testing.assert_allclose(np.cov(whitened, rowvar=False, bias=True), np.eye(3), atol=1e-4)
    features = PolynomialFeatures(2, include_bias=False).fit_transform(np.clip(whitened, -4, 4))
    expected = RidgeCV(np.logspace(-1, 4, 6)).fit(features, np.log(deviance)).predict(features)
    np.testing.assert_allclose(fitted(tf.constant(codes, tf.float32)), expected, atol=1e-3)


def test_a_law_of_second_order_is_found_and_what_remains_is_noise():
    codes = RNG.normal(size=[4000, 2])
    law = 2.0 + 0.5 * codes[:, 0] - 0.3 * codes[:, 0] * codes[:, 1]
    deviance = np.exp(law + 0.1 * RNG.normal(size=4000))
    fitted = fit_expected_deviance(codes, deviance, 0)
    expected = fitted(tf.constant(codes, tf.float32))
    assert np.abs(expected - law).mean() < 0.02
    relative = fitted.relative(tf.constant(deviance, tf.float32), expected).numpy()
    assert relative.std() == pytest.approx(0.1, rel=0.1)
    assert abs(relative.mean()) < 0.005


def test_a_code_far_away_counts_as_if_it_were_near():
    codes = RNG.normal(size=[200, 2])
    fitted = fit_expected_deviance(codes, np.exp(codes[:, 0]), 0)
    far, farther = fitted(tf.constant([[30.0, 30.0], [3000.0, 3000.0]])).numpy()
    assert far == farther and np.isfinite(far)


@pytest.mark.parametrize(("num", "dim"), [(8, 2), (8, 40), (50, 1)])
def test_few_examples_constant_codes_and_deviances_of_zero_have_a_finite_answer(num, dim):
    for codes in (RNG.normal(size=[num, dim]), np.ones([num, dim])):
        for deviance in (RNG.exponential(size=num), np.zeros(num)):
            fitted = fit_expected_deviance(codes, deviance, 0)
            assert len(fitted.linear) <= min(dim, 32)
            expected = fitted(tf.constant(codes, tf.float32))
            assert np.isfinite(fitted.relative(tf.constant(deviance, tf.float32), expected)).all()
