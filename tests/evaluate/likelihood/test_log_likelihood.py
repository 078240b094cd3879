import keras
import numpy as np
import pytest
from scipy import stats

import keras_ae as kae


@pytest.fixture
def linear():
    """A linear-Gaussian decoder, its exact evidence (x ~ N(b, W W' + s^2 I)), and an encoder that is a little too wide:
    N(0, 1.2^2) whatever x is, so that the importance weights are bounded."""
    identity = keras.layers.Identity
    model = kae.models.VAE(identity(), identity(), latent_dim=2, likelihood="normal")
    model.build((None, 4))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape, scale=0.3) for w in model.get_weights()])
    model.posterior_layer.dense.set_weights([np.zeros([4, 4]), np.repeat([0.0, np.log(np.expm1(1.2))], 2)])
    offset = model.decode(np.zeros([1, 2], "float32")).numpy()[0]
    basis = (model.decode(np.eye(2, dtype="float32")).numpy() - offset).T.astype("float64")
    noise = float(model.likelihood(np.zeros([1, 2])).stddev()[0, 0])
    x = rng.normal(size=(25, 4)).astype("float32")
    return model, x, stats.multivariate_normal(offset, basis @ basis.T + noise**2 * np.eye(4)).logpdf(x)


def test_estimate_approaches_the_exact_evidence(linear):
    model, x, exact = linear
    estimate = kae.evaluate.log_likelihood(model, x, num_samples=5000)
    # The weights deviate by about their mean: an error of 1 / sqrt(5,000) = 0.014 nats, and 25 examples.
    np.testing.assert_allclose(estimate, exact, atol=0.1)
    assert abs(np.mean(estimate - exact)) < 0.02


def test_bound_grows_with_the_number_of_samples(linear):
    model, x, exact = linear
    many = np.tile(x, [200, 1])  # each copy has noise of its own
    bounds = [kae.evaluate.log_likelihood(model, many, num_samples=k, batch_size=5000).mean() for k in (1, 5, 50)]
    assert bounds[0] < bounds[1] < bounds[2] < exact.mean() + 0.02


@pytest.mark.slow
def test_estimate_repeats_itself_and_hardly_depends_on_the_batch(linear):
    model, x, _ = linear
    first, second = (kae.evaluate.log_likelihood(model, x, num_samples=3000, batch_size=7) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    other = kae.evaluate.log_likelihood(model, x, num_samples=3000, batch_size=25)
    np.testing.assert_allclose(first, other, atol=0.15)  # other noise: the error of 3,000 samples


def test_last_chunk_of_samples_is_cut_to_the_number_asked_for(linear):
    """60 samples are 50 and 10: the weights that are left over are not counted."""
    model, x, _ = linear
    one = kae.evaluate.log_likelihood(model, x, num_samples=60)
    assert np.isfinite(one).all() and np.abs(one - kae.evaluate.log_likelihood(model, x, num_samples=100)).max() > 0


def test_condition_is_used():
    mlp = kae.networks.MLP
    model = kae.models.ConditionalVAE(mlp([8]), mlp([8]), latent_dim=2, condition=kae.Categorical(3))
    x = np.random.default_rng(0).random((6, 5)).astype("float32")
    values = [kae.evaluate.log_likelihood(model, x, np.full(6, label), num_samples=50) for label in (0, 1)]
    assert np.abs(values[0] - values[1]).min() > 1e-3


def test_deterministic_model_has_no_likelihood():
    with pytest.raises(ValueError, match="AE has no likelihood"):
        kae.evaluate.log_likelihood(kae.models.AE(), np.zeros([3, 4]))
