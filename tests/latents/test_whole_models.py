"""Every posterior and every prior in a whole model: one row a pair, of the table in tests/parts.py."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from parts import DIM, pairs, part
from tiers import first

import keras_ae as kae
from keras_ae.step_context import StepContext

# Posterior, prior, and whether TFP or the library has the closed form of the KL divergence: of all, or of each layer.
PAIRS = [
    *pairs(),
    ("full_covariance_normal", "normal_mixture", False),
    ("full_covariance_normal", "conditional_normal", True),
    ("inverse_autoregressive_flow", "real_nvp", False),
    ("power_spherical", "vamp", False),
]
# Posterior, prior and likelihood: each part once or more. tests/conformance has those of the models in loops of XLA.
LIKELIHOODS = itertools.cycle(kae.likelihoods.LIKELIHOODS)
WHOLE = [(posterior, prior, next(LIKELIHOODS)) for posterior, prior, _ in PAIRS]
RNG = np.random.default_rng(0)
X = (RNG.random((64, 1)) * RNG.random((1, 8)) > 0.3).astype("float32") * 0.9
LABELS = (np.arange(64) % 3).astype("int32")
SEED = tf.constant([3, 4], tf.int32)
PHILOX = tf.random.Algorithm.PHILOX.value


def make(posterior, prior, likelihood="bernoulli", kl="auto", num_samples=1):
    """A model that XLA compiles where no model of the zoo has its posterior or its prior."""
    keras.utils.set_random_seed(2)
    model = kae.models.ConditionalVAE(
        kae.networks.MLP([16]),
        kae.networks.MLP([16]),
        condition=kae.Categorical(3),
        latent_dim=DIM,
        posterior=part("posterior", posterior),
        prior=part("prior", prior),
        likelihood=likelihood,
        objective=kae.objectives.ELBO(kl=kl, num_samples=num_samples),
    )
    rare = not {posterior, prior}.isdisjoint(["full_covariance_normal", "planar_flow", "masked_autoregressive_flow"])
    model.compile(keras.optimizers.Adam(0.01), jit_compile=rare)
    return model


def ids(row):
    return "-".join(row[:2])


@pytest.mark.slow
@pytest.mark.parametrize("row", WHOLE, ids="-".join)
def test_a_conditional_model_learns_and_survives_its_file(row, tmp_path):
    """Its samples are seeded."""
    model = make(*row)
    counts = kae.likelihoods.get(row[2]).support == (0, np.inf, True)
    x = np.round(3 * X) if counts else X
    history = model.fit(x, LABELS, epochs=8, batch_size=16, verbose=0).history["loss"]
    assert history[-1] < history[0]
    model.save(tmp_path / "model.keras")
    again = kae.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.reconstruct(x, LABELS), model.reconstruct(x, LABELS))
    samples = [each.sample(3, LABELS[:3], seed=4) for each in (model, model, again)]
    np.testing.assert_array_equal(samples[0], samples[1])
    np.testing.assert_array_equal(samples[0], samples[2])
    assert np.abs(samples[0] - model.sample(3, LABELS[:3], seed=5)).max() > 1e-4
    for a, b in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("row", first(1, [(row,) for row in WHOLE]), ids="-".join)
def test_all_noise_of_training_is_that_of_the_algorithm_that_xla_makes_fast(row):
    model = make(*row[:2])
    model.build((None, 8))

    def codes(seed):
        return [model.posterior(X[:3], LABELS[:3]).sample(4, seed=seed), model.prior(LABELS[:3]).sample(4, seed=seed)]

    graph = tf.function(codes).get_concrete_function(tf.TensorSpec([2], tf.int32)).graph
    drawn = [operation for operation in graph.get_operations() if "StatelessRandomNormal" in operation.type]
    drawn += [operation for operation in graph.get_operations() if "StatelessRandomUniform" in operation.type]
    large = [operation for operation in drawn if operation.outputs[0].dtype.is_floating]
    assert large and {int(tf.get_static_value(operation.inputs[3])) for operation in large} == {PHILOX}


@pytest.mark.parametrize("row", first(3, [(row,) for row in PAIRS if row[2] != "parts"]), ids=ids)
def test_rate_is_analytic_where_there_is_a_closed_form_and_monte_carlo_elsewhere(row):
    posterior, prior, closed = row
    model = make(posterior, prior, num_samples=2000)
    model.build((None, 8))
    kl = model.terms(X[:3], LABELS[:3], StepContext(SEED))["kl"]
    q, p = model.posterior(X[:3], LABELS[:3]), model.prior(LABELS[:3])
    if not closed:
        with pytest.raises(NotImplementedError):
            tfp.distributions.kl_divergence(q, p)
        z, log_prob = q.experimental_sample_and_log_prob(2000, seed=SEED)
        np.testing.assert_allclose(kl, tf.reduce_mean(log_prob - p.log_prob(z), axis=0), rtol=1e-5, atol=1e-5)
        return
    if closed == "layers":
        np.testing.assert_allclose(kl, q.sample_and_kl(p, 2000, SEED)[1], rtol=1e-5)
    else:
        np.testing.assert_allclose(kl, tfp.distributions.kl_divergence(q, p), rtol=1e-5)
    if posterior != "relaxed_categorical":  # whose relaxed form has no Monte Carlo KL
        vars(model.objective)["kl"] = "monte_carlo"  # which is fixed for users
        estimate = model.terms(X[:3], LABELS[:3], StepContext(SEED))["kl"]
        np.testing.assert_allclose(estimate, kl, rtol=0.05, atol=0.1)  # the error of 2,000 samples
