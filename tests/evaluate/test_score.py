"""The numbers of single examples, against NumPy and SciPy."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import special, stats

import keras_ae as kae
from keras_ae import latents, random

X = np.random.default_rng(0).random((40, 5, 4, 1)).astype("float32")
LABELS = np.arange(40) % 3


def made(**parts):
    network = kae.networks.MLP
    model = kae.Autoencoder(network([8]), network([8]), latent_dim=parts.pop("latent_dim", 4), **parts)
    model.build((None, 5, 4, 1))
    return model


def cross_entropy(model, z, x, condition=None):
    means = model.decode(z, condition).numpy().astype("float64")
    return -(special.xlogy(x, means) + special.xlogy(1 - x, 1 - means)).sum(axis=(1, 2, 3))


@pytest.fixture(scope="module")
def cvae():
    return made(condition=kae.Categorical(3))


def test_scores_are_the_formulas(cvae):
    q = cvae.posterior(X, LABELS)
    loc, scale = q.mean().numpy().astype("float64"), q.stddev().numpy().astype("float64")
    noise = random.normal([0], [0], 4).numpy()  # of every example
    found = kae.evaluate.score(cvae, X, LABELS)
    kl = (0.5 * (scale**2 + loc**2 - 1) - np.log(scale)).sum(axis=1)
    reconstruction = cross_entropy(cvae, (loc + scale * noise).astype("float32"), X, LABELS)
    assert list(found) == ["elbo", "kl", "reconstruction"]
    assert {values.dtype.name for values in found.values()} == {"float32"}
    # Sums of 20 values in float32.
    np.testing.assert_allclose(found["kl"], kl, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["reconstruction"], reconstruction, rtol=1e-5)
    np.testing.assert_allclose(found["elbo"], -(kl + reconstruction), rtol=1e-5)


PAIRS = {
    "mixture": lambda: {"prior": latents.NormalMixture(3)},
    "flow": lambda: {"posterior": "planar_flow"},
    "hierarchy": lambda: {"prior": latents.HierarchicalNormal((3, 1), hidden=(4,)), "posterior": "ladder_normal"},
    "mixed": lambda: {
        "posterior": latents.MixedPosterior([latents.DiagonalNormal(), latents.RelaxedCategorical(2)], (2, 2)),
        "prior": latents.MixedPrior([latents.NormalMixture(3), latents.UniformCategorical(2)], (2, 2)),
    },
}


@pytest.mark.parametrize("name", PAIRS)
def test_without_a_closed_form_the_rate_is_that_of_the_code_that_was_drawn(name):
    model = made(**PAIRS[name]())
    layer, num = model.posterior_layer, len(X)
    params = model.posterior_params(tf.constant(X))
    z = layer.draw(params, tf.zeros([num], tf.int32), tf.zeros([num], tf.int32))
    expected = layer.exact(params).log_prob(z) - model.prior().log_prob(z)
    found = kae.evaluate.score(model, X)
    np.testing.assert_allclose(found["kl"], expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found["reconstruction"], cross_entropy(model, z, X), rtol=1e-5)
    assert np.isfinite(found["elbo"]).all()


def test_a_score_does_not_depend_on_the_other_examples_nor_on_its_place(cvae):
    whole = kae.evaluate.score(cvae, X, LABELS)
    order = np.random.default_rng(1).permutation(40)
    turned, single = kae.evaluate.score(cvae, X[order], LABELS[order]), kae.evaluate.score(cvae, X[7:8], LABELS[7:8])
    for name, values in whole.items():
        # Products of matrices are rounded otherwise in batches of other sizes.
        np.testing.assert_allclose(turned[name], values[order], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(single[name], values[7:8], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "parts",
    [
        {"posterior": "deterministic", "prior": None, "objective": "reconstruction"},
        {"posterior": latents.VectorQuantizer(6, code_dim=2), "prior": None, "objective": "vector_quantization"},
    ],
    ids=["point", "codebook"],
)
def test_without_a_rate_there_is_the_distortion_alone_and_it_finds_the_outliers(parts):
    model = made(**parts)
    found = kae.evaluate.score(model, X, reference=X)
    assert set(found) == {"reconstruction", "outlier_score"}
    np.testing.assert_allclose(found["reconstruction"], cross_entropy(model, model.encode(X), X), rtol=1e-5)
    assert found["reconstruction"].argsort().tolist() == found["outlier_score"].argsort().tolist()


def test_the_outlier_score_is_the_share_of_reference_examples_that_are_likelier(cvae):
    elbo = kae.evaluate.score(cvae, X, LABELS)["elbo"]
    found = kae.evaluate.score(cvae, X, LABELS, reference=(X, LABELS))["outlier_score"]
    expected = [(elbo > value).sum() / 39 for value in elbo]  # of the 39 others
    np.testing.assert_allclose(found, expected, atol=1e-4)  # the reference in a batch of another place
    few = kae.evaluate.score(cvae, X, LABELS, reference=(X[:11], LABELS[:11]))["outlier_score"]
    shares = np.array([(elbo[:11] > value).mean() for value in elbo])
    assert np.abs(few - shares).max() <= 1 / 10 + 1e-4  # between two of the reference it is interpolated
    assert few.min() == 0 and few.max() == 1


def test_many_reference_examples_are_kept_as_their_quantiles():
    from keras_ae.evaluate.score import outlier_score, reference_quantiles

    model = made()
    many = np.random.default_rng(2).random((3000, 5, 4, 1)).astype("float32")
    quantiles = reference_quantiles(model, many)
    assert quantiles.shape == (1000,) and (np.diff(quantiles) >= 0).all()
    elbo = kae.evaluate.score(model, many)["elbo"]
    found = outlier_score({"elbo": tf.constant(elbo)}, quantiles)
    np.testing.assert_allclose(found, 1 - stats.rankdata(elbo) / 3000, atol=1.5 / 1000)
    beyond = outlier_score({"elbo": tf.constant([elbo.max() + 1, elbo.min() - 1])}, quantiles)
    np.testing.assert_array_equal(beyond, [0, 1])


@pytest.mark.parametrize("value", [-5.0, -4.0, -3.0])
def test_a_reference_of_equal_examples_is_passed_or_not(value):
    from keras_ae.evaluate.score import outlier_score

    found = outlier_score({"elbo": tf.constant([value])}, np.float32([-4, -4, -4]))
    assert float(found[0]) == (1 if value < -4 else 0)


def test_inverted_digits_are_outliers_and_held_out_digits_are_not(digits):
    """Under a model that knows no more than the mean of all digits."""
    x = digits[0][np.random.default_rng(0).permutation(len(digits[0]))]
    network = kae.networks.MLP
    model = kae.Autoencoder(network([8]), network([8]), latent_dim=2)
    model.build((None, 8, 8, 1))
    layer = model.likelihood_layer.dense
    mean = np.clip(x[:1000].mean(axis=0), 0.01, 0.99).ravel()
    layer.set_weights([np.zeros(layer.kernel.shape), special.logit(mean)])
    reference = x[1000:1400]
    held_out, inverted = (kae.evaluate.score(model, y, reference=reference)["outlier_score"] for y in (x[1400:], 1 - x))
    assert stats.kstest(held_out, "uniform").statistic < 0.1  # of 400 and 397 examples
    assert inverted.min() == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"x": X * 300}, r"`x` must be in \[0, 1\]"),
        ({"x": X, "reference": X[:1]}, "`reference` must have at least two examples. Received: 1"),
    ],
)
def test_wrong_examples_are_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        kae.evaluate.score(made(), **arguments)
