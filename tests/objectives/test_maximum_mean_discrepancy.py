import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from tiers import first

import keras_ae as kae
from keras_ae.objectives import ELBO, MaximumMeanDiscrepancy, Reconstruction
from keras_ae.objectives.estimators.batch_weights import shares
from keras_ae.objectives.estimators.kernels import KERNELS, squared_discrepancy
from keras_ae.step_context import StepContext

tfd = tfp.distributions
SEED = tf.constant([3, 4], tf.int32)
RNG = np.random.default_rng(0)
LOC, SCALE = RNG.normal(size=(7, 3)).astype("float32"), RNG.uniform(0.2, 1.5, size=(7, 3)).astype("float32")
PRIOR = tfd.Independent(tfd.Normal(tf.zeros(3), 1.0), 1)
POINTS = tfd.VectorDeterministic(LOC)
POSTERIOR = tfd.Independent(tfd.Normal(LOC, SCALE), 1)
WEIGHT = np.array([1.0, 2.0, 0.5, 1.0, 1.5, 0.0, 0.0], "float32")


def terms_of(objective, posterior=POSTERIOR, weight=None):
    def likelihood(z):
        return tfd.Independent(tfd.Normal(z, 1.0), 1)

    return objective.call(LOC, lambda x: posterior, PRIOR, likelihood, StepContext(SEED, weight=weight))


def double_loop(a, b, kernel, scales, weight, examples=None):
    """The docstring of `squared_discrepancy`, one pair after the other."""

    def k(u, v):
        squared = np.sum((u - v) ** 2)
        values = [c / (c + squared) if kernel == "imq" else np.exp(-squared / c) for c in scales]
        return np.mean(values)

    num = len(a)
    examples = num if examples is None else examples  # row i is of example i modulo their number
    within = across = pairs = 0.0
    for i in range(num):
        for j in range(num):
            across += weight[i] * weight[j] * k(a[i], b[j]) / weight.sum() ** 2
            if i % examples != j % examples:
                pairs += weight[i] * weight[j]
                within += weight[i] * weight[j] * (k(a[i], a[j]) + k(b[i], b[j]))
    return within / pairs - 2 * across


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("kernel", ["imq", "rbf"])
def test_discrepancy_equals_a_double_loop(kernel, weight):
    weights = np.ones(7) if weight is None else weight.astype("float64")
    a, b, scales = RNG.normal(size=(7, 3)) * 2 + 1, RNG.normal(size=(7, 3)), (0.5, 6.0, 20.0)
    share = shares(None if weight is None else tf.constant(weight), 7)
    value = squared_discrepancy(tf.constant(a, tf.float32), tf.constant(b, tf.float32), KERNELS[kernel], scales, share)
    assert float(value) == pytest.approx(double_loop(a, b, kernel, scales, weights), rel=1e-5, abs=1e-6)


def test_rows_of_one_example_are_no_pair():
    a, b, weight = RNG.normal(size=(6, 3)), RNG.normal(size=(6, 3)), np.array([0.2, 1.5, 0.0, 0.8, 0.5, 2.0])
    share, kernel = shares(tf.constant(weight, tf.float32), 6), KERNELS["imq"]
    value = squared_discrepancy(tf.constant(a, tf.float32), tf.constant(b, tf.float32), kernel, (6.0,), share, copies=2)
    assert float(value) == pytest.approx(double_loop(a, b, "imq", (6.0,), weight, examples=3), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_terms_are_those_of_the_codes_and_as_many_draws_of_the_prior(weight):
    objective = MaximumMeanDiscrepancy(30.0, kernel="imq", scales=(0.5, 2.0))
    given = None if weight is None else tf.constant(weight)
    terms = terms_of(objective, POINTS, given)
    draws = PRIOR.sample(7, seed=tfp.random.sanitize_seed(SEED, salt="prior")).numpy()
    weights = np.ones(7) if weight is None else weight
    expected = double_loop(LOC, draws, "imq", (3.0, 12.0), weights)  # 2 D = 6
    np.testing.assert_allclose(terms["discrepancy"], np.full(7, expected), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(terms["reconstruction"], terms_of(Reconstruction(), POINTS)["reconstruction"], rtol=1e-6)
    np.testing.assert_allclose(terms["loss"], terms["reconstruction"] + 30.0 * terms["discrepancy"], rtol=1e-6)
    assert set(terms) == {"loss", *objective.terms} == {"loss", "reconstruction", "discrepancy"}


def estimates(kernel, loc, scale, num=600, batch=16):
    """Discrepancies between batches of N(loc, scale^2) and of N(0, 1), in two dimensions."""
    noise = RNG.normal(size=(2, num, batch, 2)).astype("float32")
    share, scales = shares(None, batch), (1.0, 4.0)
    pairs = (loc + scale * noise[0], noise[1])
    return tf.vectorized_map(lambda pair: squared_discrepancy(*pair, KERNELS[kernel], scales, share), pairs).numpy()


@pytest.mark.parametrize("kernel", ["imq", "rbf"])
def test_mean_is_0_for_the_same_distribution(kernel):
    values = estimates(kernel, 0.0, 1.0)
    error = values.std() / np.sqrt(len(values))
    assert abs(values.mean()) < 4 * error
    assert values.min() < 0 and error < 0.003  # a biased estimate would be above 0 by about 2 / 16 * 0.6


@pytest.mark.parametrize("loc, scale", [(0.0, 1.0), (1.5, 1.0), (0.0, 0.1), (-0.5, 2.0)])
def test_mean_of_the_gaussian_kernel_is_its_closed_form(loc, scale):
    """For d ~ N(m, v) in each of two dimensions, E exp(-d^2 / C) = (1 + 2 v / C)^(-1/2) exp(-m^2 / (C + 2 v))."""

    def mean_kernel(m, v, c):
        return np.exp(-2 * m**2 / (c + 2 * v)) / (1 + 2 * v / c)

    exact = np.mean([
        mean_kernel(0, 2 * scale**2, c) + mean_kernel(0, 2, c) - 2 * mean_kernel(loc, 1 + scale**2, c) for c in (1, 4)
    ])  # fmt: skip
    values = estimates("rbf", loc, scale)
    assert abs(values.mean() - exact) < 4 * values.std() / np.sqrt(len(values))


def test_with_alpha_0_and_lambda_1_it_is_the_elbo():
    terms, expected = terms_of(MaximumMeanDiscrepancy(1.0, alpha=0.0)), terms_of(ELBO())
    for name, values in expected.items():
        np.testing.assert_allclose(terms[name], values, rtol=1e-6)


def test_loss_of_the_info_vae_is_equation_6():
    terms, elbo = terms_of(MaximumMeanDiscrepancy(20.0, alpha=0.25)), terms_of(ELBO())
    np.testing.assert_allclose(terms["kl"], elbo["kl"], rtol=1e-6)
    expected = elbo["reconstruction"] + 0.75 * elbo["kl"] + 19.25 * terms["discrepancy"]
    np.testing.assert_allclose(terms["loss"], expected, rtol=1e-6)


def test_prior_of_each_example_is_drawn_once_for_it():
    prior = tfd.Independent(tfd.Normal(LOC * 100, 0.01), 1)
    far = MaximumMeanDiscrepancy().discrepancy(tf.constant(LOC), prior, SEED)
    near = MaximumMeanDiscrepancy().discrepancy(tf.constant(LOC * 100), prior, SEED)
    assert far > 0.3
    assert abs(near) < 1e-3  # the same points, of which a pair of the same row is no pair


@pytest.mark.parametrize("copies", first(1, [2, 1]))
def test_mean_is_0_where_each_example_has_the_prior_of_its_condition(copies):
    """A draw of p(z|c) is as near to the code of its own example as two draws of one class, not of two examples."""
    rng, values = np.random.default_rng(0), []

    @tf.function
    def discrepancy(loc, weight, seed):
        z = loc + 0.1 * tf.random.stateless_normal(tf.shape(loc), [seed, 9])
        prior = tfd.Independent(tfd.Normal(loc, 0.1), 1)
        return MaximumMeanDiscrepancy().discrepancy(z, prior, tf.stack([seed, 1]), weight, copies)

    for seed in range(600):
        loc = np.repeat(rng.integers(0, 2, 4) * 6.0 - 3.0, 2).reshape(4, 2).astype("float32")
        if copies == 2:  # each example as either class, one of which counts little
            loc, weight = np.concatenate([loc, -loc]), np.repeat([0.9, 0.1], 4).astype("float32")
        else:
            weight = np.ones(4, "float32")
        values.append(discrepancy(loc, weight, tf.constant(seed)).numpy())
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(len(values))


@pytest.mark.parametrize("weight", [[1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0]])
@pytest.mark.parametrize("kernel", ["imq", "rbf"])
def test_without_a_pair_there_is_no_discrepancy(kernel, weight):
    loc = tf.Variable(LOC)
    objective = MaximumMeanDiscrepancy(kernel=kernel)
    with tf.GradientTape() as tape:
        value = objective.discrepancy(loc.value(), PRIOR, SEED, tf.constant(weight, tf.float32))
    assert float(value) == 0.0
    assert not np.any(tape.gradient(value, loc))


def test_codes_far_away_still_have_finite_gradients():
    loc = tf.Variable(LOC * 1e6)
    for kernel in KERNELS:
        with tf.GradientTape() as tape:
            value = MaximumMeanDiscrepancy(kernel=kernel).discrepancy(loc.value(), PRIOR, SEED)
        assert np.isfinite(value) and np.isfinite(tape.gradient(value, loc)).all()


def test_density_is_needed_only_with_a_rate():
    kae.Autoencoder(posterior="deterministic", objective=MaximumMeanDiscrepancy())
    with pytest.raises(ValueError, match="needs a prior and a posterior with a density"):
        kae.Autoencoder(posterior="deterministic", objective=MaximumMeanDiscrepancy(alpha=0.5))
    with pytest.raises(ValueError, match="`objective` MaximumMeanDiscrepancy needs a prior"):
        kae.Autoencoder(posterior="deterministic", prior=None, objective=MaximumMeanDiscrepancy())


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"alpha": 1.5}, r"`alpha` must be at most 1, and alpha \+ lambda_ - 1 must be >= 0. Received: alpha=1.5"),
        ({"alpha": 0.0, "lambda_": 0.5}, "must be >= 0. Received: alpha=0.0, lambda_=0.5"),
        ({"lambda_": None}, "`lambda_` must be a finite number"),
        ({"kernel": "linear"}, '`kernel` must be "imq" or "rbf". Received: kernel=\'linear\''),
        ({"scales": (1.0, 0.0)}, "`scales` must be positive numbers"),
        ({"scales": ()}, "`scales` must be positive numbers"),
        ({"scales": range(2)}, "`scales` must be positive numbers"),
        ({"scales": [[1], [1, 2]]}, "`scales` must be positive numbers"),
        ({"scales": np.array(1.0)}, "`scales` must be positive numbers"),
        ({"scales": "all"}, "`scales` must be positive numbers"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        MaximumMeanDiscrepancy(**arguments)
