import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import special, stats
from tiers import first

import keras_ae as kae
from keras_ae.objectives import ELBO, IWAE
from keras_ae.step_context import StepContext

SEED = tf.constant([3, 4], tf.int32)
X = np.random.default_rng(1).normal(size=(20, 5)).astype("float32")


@pytest.fixture
def model():
    """A linear decoder with normal noise, whose evidence is known: x ~ N(b, W W' + s^2 I), whatever the encoder is."""
    network = kae.networks.MLP
    model = kae.models.VAE(network([4]), network([3], activation="linear"), latent_dim=2, likelihood="normal")
    model.build((None, 5))
    rng = np.random.default_rng(4)
    model.set_weights([rng.normal(size=w.shape, scale=0.5) for w in model.get_weights()])
    return model


def exact_evidence(model):
    basis = model.decode(np.eye(2, dtype="float32")).numpy()
    offset = model.decode(np.zeros([1, 2], "float32")).numpy()[0]
    weights = (basis - offset).T.astype("float64")  # [5, 2]
    noise = float(model.likelihood(np.zeros([1, 2])).stddev()[0, 0])
    return stats.multivariate_normal(offset, weights @ weights.T + noise**2 * np.eye(5)).logpdf(X)


def terms_of(objective, model, seed=SEED):
    def likelihood(z):
        return model.likelihood_layer.distribution(model.likelihood_params(z))

    return objective.call(X, model.posterior, model.prior(), likelihood, StepContext(seed))


def test_terms_equal_numpy(model):
    terms = terms_of(IWAE(7), model)
    q = model.posterior(X)
    loc, scale = q.mean().numpy().astype("float64"), q.stddev().numpy().astype("float64")
    z = q.sample(7, seed=SEED).numpy()  # [7, B, 2]
    log_q = stats.norm(loc, scale).logpdf(z).sum(axis=-1)
    log_prior = stats.norm.logpdf(z).sum(axis=-1)
    likelihoods = [model.likelihood(codes) for codes in z]
    log_p = np.stack([stats.norm(p.mean(), p.stddev()).logpdf(X).sum(axis=-1) for p in likelihoods])
    bound = special.logsumexp(log_p + log_prior - log_q, axis=0, b=1 / 7)
    # float32 against float64, for terms of up to a few hundred.
    np.testing.assert_allclose(terms["loss"], -bound, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(terms["kl"], (log_q - log_prior).mean(axis=0), rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(terms["reconstruction"], -log_p.mean(axis=0), rtol=1e-5, atol=1e-4)


def test_with_one_sample_it_equals_the_elbo(model):
    iwae, elbo = terms_of(IWAE(1), model), terms_of(ELBO(kl="monte_carlo"), model)
    assert set(iwae) == set(elbo)
    for name, values in elbo.items():
        np.testing.assert_allclose(iwae[name], values, rtol=1e-6, atol=1e-5)  # the same sums in another order


@pytest.mark.slow
def test_the_bound_grows_with_the_number_of_samples(model):
    terms = [terms_of(IWAE(num), model, [5, step])["loss"] for num in (1, 2, 5, 20) for step in range(30)]
    means = -np.reshape(terms, [4, -1]).mean(axis=1)
    # 600 estimates each, with standard errors of 0.6, 0.4, 0.1 and 0.03; the steps are 2, 1 and 0.4.
    assert (np.diff(means) > 0.2).all(), means
    assert means[-1] < exact_evidence(model).mean()


def test_loss_is_at_most_the_sum_of_rate_and_distortion(model):
    terms = terms_of(IWAE(10), model)
    assert (terms["loss"] < terms["kl"] + terms["reconstruction"]).numpy().all()  # Jensen's inequality


def test_it_approaches_the_exact_evidence(model):
    # The same posterior for all, wider than the prior: the weights are bounded, and so is the error of the estimate.
    head = model.posterior_layer.dense
    head.kernel.assign(tf.zeros_like(head.kernel))
    head.bias.assign([0.0, 0.0, 1.0, 1.0])
    errors = [
        np.abs(-terms_of(IWAE(num), model)["loss"].numpy() - exact_evidence(model)).max() for num in (100, 50_000)
    ]
    assert errors[1] < 0.04  # 100 such estimates had errors of up to 0.028
    assert errors[1] < errors[0] / 5  # it falls with the root of the number


@pytest.mark.parametrize("scale", first(1, [1e3, 1.0]))
def test_gradient_is_finite_under_xla(model, scale):
    """With weights far apart too, where all but one of the samples count nothing."""
    variables = model.trainable_variables
    x = scale * X

    def likelihood(z):
        return model.likelihood_layer.distribution(model.likelihood_params(z))

    @tf.function(jit_compile=True)
    def gradients():
        with tf.GradientTape() as tape:
            q = model.posterior_layer.distribution(model.posterior_params(x))
            terms = IWAE(8).call(x, lambda x: q, model.prior_layer.distribution(), likelihood, StepContext(SEED))
            loss = tf.reduce_mean(terms["loss"])
        return tape.gradient(loss, variables)

    for variable, gradient in zip(variables, gradients(), strict=True):
        assert np.isfinite(gradient).all(), variable.path
        assert np.any(gradient), variable.path


def test_fit_lowers_the_loss_and_the_name_is_known():
    network = kae.networks.MLP
    model = kae.models.VAE(network([16]), network([16]), latent_dim=2, objective="iwae")
    assert model.objective.num_samples == 50
    model.compile(keras.optimizers.Adam(0.01))
    x = (np.random.default_rng(0).random((96, 1, 1)) * np.ones([1, 4, 4]) > 0.5).astype("float32")
    history = model.fit(x, epochs=5, batch_size=16, verbose=0).history["loss"]
    assert history[-1] < 0.9 * history[0]


def test_config_round_trip():
    assert kae.objectives.IWAE.from_config(IWAE(7).get_config()).num_samples == 7


@pytest.mark.parametrize("num", [0, -1, 1.5, "many", True])
def test_a_bad_number_of_samples_is_refused(num):
    with pytest.raises(ValueError, match="`num_samples` must be a positive integer"):
        IWAE(num)
