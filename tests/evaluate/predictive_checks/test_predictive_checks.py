"""Posterior predictive checks accept data of the model, and refuse others."""

import numpy as np
import pytest

import keras_ae as kae
from keras_ae.evaluate import METRICS, Subject
from keras_ae.evaluate.predictive_checks import STATISTICS, predictive_check, predictive_replicates

RNG = np.random.default_rng(0)


def test_p_values_of_the_true_model_are_uniform():
    """400 columns of independent data: the mean of uniform p-values is within four standard errors of 1/2."""
    real, replicates = RNG.normal(size=[50, 400]), RNG.normal(size=[99, 50, 400])
    found = predictive_check(real, replicates, "mean")
    assert abs(found.p_values.mean() - 0.5) < 4 / np.sqrt(12 * 400)
    # 95% intervals of 99 replicates, of 400 columns.
    assert 0.90 < found.inside < 0.99


@pytest.mark.parametrize("name", STATISTICS)
def test_statistics_are_those_of_the_columns(name):
    real = RNG.poisson(1.0, size=[40, 3]).astype(float)
    replicates = np.stack([real, real + 1.0])
    expected = {
        "mean": lambda x: [np.mean(x[:, d]) for d in range(3)],
        "standard_deviation": lambda x: [np.std(x[:, d]) for d in range(3)],
        "zero_fraction": lambda x: [np.mean(x[:, d] == 0) for d in range(3)],
        "lower_quantile": lambda x: [np.percentile(x[:, d], 5) for d in range(3)],
        "upper_quantile": lambda x: [np.percentile(x[:, d], 95) for d in range(3)],
        "maximum": lambda x: [max(x[:, d]) for d in range(3)],
    }[name]
    found = predictive_check(real, replicates, name)
    np.testing.assert_allclose(found.real, expected(real))
    np.testing.assert_allclose(found.generated, np.mean([expected(real), expected(real + 1.0)], axis=0))


def test_normal_data_has_too_few_zeros_for_counts():
    counts = RNG.poisson(0.5, size=[300, 2])
    found = predictive_check(counts, RNG.normal(0.5, 0.7, size=[40, 300, 2]), "zero_fraction")
    assert found.inside == 0.0 and found.p_values.max() <= 2 / 41


def test_replicates_follow_the_seed_and_the_likelihood():
    model = kae.models.VAE(latent_dim=2, likelihood="poisson")
    x = RNG.poisson(3.0, size=[30, 4]).astype("float32")
    model.build((None, 4))
    first, again, other = (list(predictive_replicates(model, x, num=2, seed=seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other) and not np.array_equal(first[0], first[1])
    assert np.array_equal(first[0], np.round(first[0]))  # draws, not means


def test_checks_of_a_model_of_counts():
    x = RNG.poisson([1.0, 4.0, 0.2], size=[200, 3]).astype("float32")
    model = kae.models.ConditionalVAE(latent_dim=1, likelihood="poisson", condition=kae.Categorical(2))
    model.compile(run_eagerly=True)
    model.build((None, 3))
    found = {
        each.name: each for each in METRICS["predictive_checks"].measure(Subject(model, x, np.arange(200) % 2), num=5)
    }
    assert len(found) == 2 * len(STATISTICS)
    assert found["mean.inside"].details["real"] == pytest.approx(x.mean(axis=0).tolist(), rel=1e-6)


@pytest.mark.parametrize(
    ("real", "replicates", "statistic", "message"),
    [
        (np.ones([0, 2]), np.ones([3, 4, 2]), "mean", "`real` must be finite rows"),
        (np.full([4, 2], np.nan), np.ones([3, 4, 2]), "mean", "`real` must be finite rows"),
        (np.ones([4, 2]), np.ones([1, 4, 2]), "mean", "`replicates` must be finite data sets"),
        (np.ones([4, 2]), np.ones([3, 4, 3]), "mean", "`replicates` must be finite data sets"),
        (np.ones([4, 2]), np.ones([3, 4, 2]), "median", "`statistic` must be one of mean"),
    ],
)
def test_bad_input_is_refused(real, replicates, statistic, message):
    with pytest.raises(ValueError, match=message):
        predictive_check(real, replicates, statistic)


def test_constant_columns_have_p_value_one():
    found = predictive_check(np.ones([5, 1]), np.ones([3, 5, 1]), "mean")
    assert found.p_values.tolist() == [1.0] and found.error == 0.0
