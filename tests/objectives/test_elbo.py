import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import stats

import keras_ae as kae
from keras_ae.objectives import ELBO
from keras_ae.step_context import StepContext

tfd = tfp.distributions


@pytest.fixture
def model():
    """A small VAE with every weight at random, biases too."""
    model = kae.models.VAE(kae.networks.MLP([6]), kae.networks.MLP([5]), latent_dim=3, likelihood="normal")
    model.build((None, 4))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape, scale=0.5) for w in model.get_weights()])
    return model


X = np.random.default_rng(1).normal(size=(7, 4)).astype("float32")
SEED = tf.constant([3, 4], tf.int32)


def terms_of(objective, model, x=X):
    def likelihood(z):
        return model.likelihood_layer.distribution(model.likelihood_params(z))

    return objective.call(x, model.posterior, model.prior(), likelihood, StepContext(SEED))


def test_terms_equal_numpy(model):
    terms = model.terms(X, None, StepContext(SEED))
    q = model.posterior(X)
    loc, scale = q.mean().numpy().astype("float64"), q.stddev().numpy().astype("float64")
    z = q.sample(1, seed=SEED)[0]
    p = model.likelihood(z)
    kl = 0.5 * (scale**2 + loc**2 - 1 - 2 * np.log(scale)).sum(axis=1)
    reconstruction = -stats.norm(p.mean().numpy(), p.stddev().numpy()).logpdf(X).sum(axis=1)
    np.testing.assert_allclose(terms["kl"], kl, rtol=1e-5)
    np.testing.assert_allclose(terms["reconstruction"], reconstruction, rtol=1e-5)
    np.testing.assert_allclose(terms["loss"], kl + reconstruction, rtol=1e-5)


def test_gradient_of_the_reparameterized_sample_equals_finite_differences(model):
    def loss():
        return tf.reduce_mean(model.terms(X, None, StepContext(SEED, training=True))["loss"])

    with tf.GradientTape() as tape:
        value = loss()
    for variable, gradient in zip(
        model.trainable_variables, tape.gradient(value, model.trainable_variables), strict=True
    ):
        direction = np.random.default_rng(2).normal(size=variable.shape)
        direction /= np.linalg.norm(direction)
        start, step, losses = variable.numpy(), 1e-2, []
        for sign in (1, -1):
            variable.assign(start + sign * step * direction)
            losses.append(float(loss()))
        variable.assign(start)
        # float32 losses near 10 carry 1e-6, over the step 1e-4; the curvature adds the rest.
        expected = (losses[0] - losses[1]) / (2 * step)
        assert float(np.sum(gradient.numpy() * direction)) == pytest.approx(expected, rel=2e-2, abs=2e-3), variable.path


def test_beta_weighs_the_rate_alone(model):
    one, four = terms_of(ELBO(), model), terms_of(ELBO(beta=4.0), model)
    np.testing.assert_allclose(four["loss"] - one["loss"], 3 * one["kl"], rtol=1e-5, atol=1e-5)


def test_monte_carlo_rate_approaches_the_closed_form(model):
    closed = model.terms(X, None, StepContext(SEED))["kl"]
    estimate = terms_of(ELBO(num_samples=20000, kl="monte_carlo"), model)["kl"]
    np.testing.assert_allclose(estimate, closed, rtol=0.02, atol=0.02)  # the error of 20,000 samples


def test_mixture_prior_has_no_closed_form_and_says_so_where_one_is_asked_for():
    with pytest.raises(ValueError, match=r"closed form .* Received: posterior=DiagonalNormal, prior=NormalMixture"):
        kae.models.VAE(latent_dim=2, prior="normal_mixture", objective=ELBO(kl="analytic"))


def test_mixture_of_one_standard_component_equals_the_standard_normal(model):
    prior = kae.latents.NormalMixture(1)
    prior.build((None, 3))
    prior.loc.assign(tf.zeros([1, 3]))
    prior.raw_scale.assign(tf.fill([1, 3], float(np.log(np.expm1(1 - 1e-5)))))
    q = model.posterior(X)
    z = q.sample(5, seed=SEED)
    np.testing.assert_allclose(prior.distribution().log_prob(z), model.prior().log_prob(z), rtol=1e-4, atol=1e-4)


def test_elbo_is_below_the_exact_evidence():
    """A linear-Gaussian decoder: x ~ N(b, W W' + s^2 I), whatever the encoder is."""
    identity = kae.networks.MLP([4])
    model = kae.models.VAE(identity, kae.networks.MLP([3], activation="linear"), latent_dim=2, likelihood="normal")
    model.build((None, 5))
    rng = np.random.default_rng(4)
    model.set_weights([rng.normal(size=w.shape, scale=0.5) for w in model.get_weights()])
    x = rng.normal(size=(20, 5)).astype("float32")
    basis = model.decode(np.eye(2, dtype="float32")).numpy()
    offset = model.decode(np.zeros([1, 2], "float32")).numpy()[0]
    weights = (basis - offset).T.astype("float64")  # [5, 2]
    noise = float(model.likelihood(np.zeros([1, 2])).stddev()[0, 0])
    evidence = stats.multivariate_normal(offset, weights @ weights.T + noise**2 * np.eye(5)).logpdf(x)
    elbo = -terms_of(ELBO(num_samples=4000), model, x)["loss"].numpy()
    assert (elbo < evidence + 0.05).all()  # the error of 4,000 samples
    assert (evidence - elbo).mean() > 0.1  # and the bound is not met by accident


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"beta": -1}, "`beta` must be a finite number >= 0, or a schedule. Received: beta=-1"),
        ({"beta": float("nan")}, "`beta` must be a finite number"),
        ({"beta": "high"}, "`beta` must be a finite number"),
        ({"num_samples": 0}, "`num_samples` must be"),
        ({"kl": "exact"}, '`kl` must be "auto", "analytic" or "monte_carlo"'),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ELBO(**arguments)
