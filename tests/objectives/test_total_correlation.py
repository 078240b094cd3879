import itertools

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import special, stats
from tiers import first

import keras_ae as kae
from keras_ae.latents.distributions.blocks import Blocks
from keras_ae.objectives import ELBO, TotalCorrelation
from keras_ae.step_context import StepContext

tfd = tfp.distributions
SEED = tf.constant([3, 4], tf.int32)
RNG = np.random.default_rng(0)
LOC, SCALE = RNG.normal(size=(7, 3)).astype("float32"), RNG.uniform(0.2, 1.5, size=(7, 3)).astype("float32")
WEIGHT = np.array([1.0, 2.0, 0.5, 1.0, 1.5, 0.0, 0.0], "float32")
PRIOR = tfd.Independent(tfd.Normal(tf.zeros(3), 1.0), 1)
PARTS = ("mutual_information", "total_correlation", "dimension_wise_kl")


def normal(loc, scale):
    return tfd.Independent(tfd.Normal(loc, scale), 1)


def terms_of(objective, posterior=None, prior=PRIOR, weight=None, seed=SEED, step=0):
    posterior = normal(LOC, SCALE) if posterior is None else posterior
    return objective.call(
        LOC, lambda x: posterior, prior, lambda z: normal(z, 1.0), StepContext(seed, step=step, weight=weight)
    )


def brute_force(codes, values, num_examples, sampling, weight):
    """log q(z) [B] and log q(z_d) [B, D] by loops over pairs, from the docstring.

    Args:
        codes: q(z_i|x_j), [B, B].
        values: q(z_id|x_j), [B, B, D].
    """
    num = len(codes)
    present = [j for j in range(num) if weight[j] > 0]
    mean_weight = sum(weight[j] for j in present) / len(present)
    joint, marginals = np.zeros(num), np.zeros(values.shape[1:])
    for i in range(num):
        shares = {}
        for j in present:
            if sampling == "weighted":
                shares[j] = weight[j] / mean_weight / (num_examples * len(present))
            elif j == i:
                shares[j] = weight[j] / mean_weight / num_examples
            else:
                own = weight[i] / mean_weight / num_examples if i in present else 1 / num_examples
                shares[j] = (1 - own) * weight[j] / sum(weight[k] for k in present if k != i)
        joint[i] = np.log(sum(share * codes[i, j] for j, share in shares.items()))
        marginals[i] = np.log(sum(share * values[i, j] for j, share in shares.items()))
    return joint, marginals


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("sampling", ["stratified", "weighted"])
def test_terms_equal_a_double_loop(sampling, weight):
    objective = TotalCorrelation(50, alpha=2.0, beta=5.0, gamma=0.5, sampling=sampling)
    terms = terms_of(objective, weight=None if weight is None else tf.constant(weight))
    z = normal(LOC, SCALE).experimental_sample_and_log_prob(seed=SEED)[0].numpy().astype("float64")
    weights = np.ones(7) if weight is None else weight.astype("float64")
    values = stats.norm(LOC.astype("float64"), SCALE.astype("float64")).pdf(z[:, np.newaxis])  # [B, B, D]
    joint, marginals = brute_force(values.prod(axis=-1), values, 50, sampling, weights)
    log_q = stats.norm(LOC, SCALE).logpdf(z).sum(axis=1)
    expected = [log_q - joint, joint - marginals.sum(axis=1), marginals.sum(axis=1) - stats.norm.logpdf(z).sum(axis=1)]
    rows = weights > 0
    for name, values in zip(PARTS, expected, strict=True):
        np.testing.assert_allclose(terms[name].numpy()[rows], values[rows], rtol=1e-5, atol=2e-5)  # sums near 10
    loss = terms["reconstruction"] + 2 * expected[0] + 5 * expected[1] + 0.5 * expected[2]
    np.testing.assert_allclose(terms["loss"].numpy()[rows], loss.numpy()[rows], rtol=1e-5, atol=1e-4)
    assert all(np.isfinite(values).all() for values in terms.values())


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_terms_are_exact_where_the_batch_is_all_there_is(weight):
    weights = np.ones(7) if weight is None else weight
    num = int((weights > 0).sum())
    terms = terms_of(TotalCorrelation(num), weight=None if weight is None else tf.constant(weight))
    z = normal(LOC, SCALE).experimental_sample_and_log_prob(seed=SEED)[0].numpy()
    log_pairs = stats.norm(LOC, SCALE).logpdf(z[:, np.newaxis])  # [B, B, D]
    share = (weights / weights.sum())[np.newaxis]
    joint = special.logsumexp(log_pairs.sum(axis=-1), b=share, axis=1)
    marginals = special.logsumexp(log_pairs, b=share[..., np.newaxis], axis=1).sum(axis=-1)
    log_q = stats.norm(LOC, SCALE).logpdf(z).sum(axis=1)
    rows = weights > 0
    np.testing.assert_allclose(terms["mutual_information"][rows], (log_q - joint)[rows], rtol=1e-5, atol=2e-5)
    np.testing.assert_allclose(terms["total_correlation"][rows], (joint - marginals)[rows], rtol=1e-5, atol=2e-5)


def test_stratified_estimate_of_the_density_is_unbiased():
    """The mean over every batch that may come with an example is the exact q(z), and so of each dimension."""
    q = normal(LOC, SCALE)
    z = q.sample(seed=SEED)
    others = [(0, *chosen) for chosen in itertools.combinations(range(1, 7), 2)]  # 15 batches of example 0
    joint, marginals = [], []
    for rows in others:
        rows = list(rows)
        estimates = TotalCorrelation(7).aggregate(normal(LOC[rows], SCALE[rows]), tf.gather(z, rows))
        joint.append(np.exp(estimates[0][0]))
        marginals.append(np.exp(estimates[1][0]))
    densities = stats.norm(LOC, SCALE).pdf(z[0])  # [7, D]
    np.testing.assert_allclose(np.mean(joint), densities.prod(axis=1).mean(), rtol=1e-5)
    np.testing.assert_allclose(np.mean(marginals, axis=0), densities.mean(axis=0), rtol=1e-5)


@pytest.mark.parametrize("sampling", ["stratified", "weighted"])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_parts_add_up_to_the_rate_of_the_samples(sampling, weight):
    for seed in range(5):
        seed = tf.constant([9, seed])
        weights = None if weight is None else tf.constant(weight)
        terms = terms_of(TotalCorrelation(50, sampling=sampling), weight=weights, seed=seed)
        z, log_q = normal(LOC, SCALE).experimental_sample_and_log_prob(seed=seed)
        kl = log_q - PRIOR.log_prob(z)
        # Nothing but the rounding of float32 sums near 10 may be left.
        np.testing.assert_allclose(terms["kl"], kl, atol=1e-5)
        np.testing.assert_allclose(sum(terms[name] for name in PARTS), kl, atol=1e-5)


def test_with_weights_of_1_it_is_the_elbo():
    terms, expected = terms_of(TotalCorrelation(50, beta=1.0)), terms_of(ELBO(kl="monte_carlo"))
    for name, values in expected.items():
        np.testing.assert_allclose(terms[name], values, rtol=1e-5, atol=2e-5)


def test_total_correlation_of_a_normal_aggregate_is_its_closed_form():
    """Means from N(0, S) and noise of scale s: q(z) is near N(0, S + s^2 I), whose TC is -1/2 log det corr."""
    num, scale = 1500, 0.6
    loc = RNG.multivariate_normal([0, 0], [[1.0, 0.8], [0.8, 1.0]], size=num).astype("float32")
    q = normal(loc, tf.fill([num, 2], scale))
    z, log_q = q.experimental_sample_and_log_prob(seed=SEED)
    joint, marginals = TotalCorrelation(num).aggregate(q, z)
    correlation = 0.8 / (1 + scale**2)
    exact = -0.5 * np.log(1 - correlation**2)  # 0.21 nats
    variance = 1 + scale**2
    information = 0.5 * np.log((variance**2 - 0.8**2) / scale**4)
    assert np.mean(joint - tf.reduce_sum(marginals, axis=1)) == pytest.approx(exact, abs=0.05)  # 1,500 means
    assert np.mean(log_q - joint) == pytest.approx(information, abs=0.1)


@pytest.mark.parametrize("sampling", ["stratified", "weighted"])
@pytest.mark.parametrize("weight", [[1, 1, 1, 1, 1, 0, 0], [1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0]])
def test_rows_that_do_not_count_change_nothing_and_stay_finite(sampling, weight):
    weight = np.array(weight, "float32")
    rows = weight > 0
    loc, scale = tf.Variable(LOC * 30), tf.Variable(SCALE * 0.01)  # far apart: densities that underflow
    objective = TotalCorrelation(50, sampling=sampling)
    with tf.GradientTape() as tape:
        terms = terms_of(objective, normal(loc.value(), scale.value()), weight=tf.constant(weight))
        loss = tf.reduce_sum(weight * terms["loss"])
    for gradient in tape.gradient(loss, [loc, scale]):
        assert np.isfinite(gradient).all()
        assert not np.any(gradient[~rows])
    assert all(np.isfinite(values).all() for values in terms.values())
    if rows.any():
        z = normal(loc, scale).sample(seed=SEED)
        kept = objective.aggregate(normal(loc[rows], scale[rows]), z[rows])
        for all_rows, these in zip(objective.aggregate(normal(loc, scale), z, weight), kept, strict=True):
            np.testing.assert_allclose(all_rows[rows], these, rtol=1e-5)  # rounding: sums over other numbers of rows


def full_covariance(rows=7, dim=3):
    """q(z|x) of the posterior, and its means and covariances, with parameters at random."""
    layer = kae.latents.FullCovarianceNormal()
    layer.set_latent_dim(dim)
    layer.build((None, 2))
    params = np.random.default_rng(1).normal(size=(rows, dim * (dim + 3) // 2)).astype("float32")
    q = layer.distribution(params)
    factor = q.scale.to_dense().numpy().astype("float64")
    return layer, params, params[:, :dim].astype("float64"), factor @ np.swapaxes(factor, 1, 2)


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("sampling", ["stratified", "weighted"])
def test_full_covariance_equals_densities_of_scipy(sampling, weight):
    layer, params, loc, covariance = full_covariance()
    objective = TotalCorrelation(50, beta=5.0, sampling=sampling)
    terms = terms_of(objective, layer.distribution(params), weight=None if weight is None else tf.constant(weight))
    z = layer.distribution(params).sample(seed=SEED).numpy().astype("float64")
    weights = np.ones(7) if weight is None else weight.astype("float64")
    pairs = list(zip(loc, covariance, strict=True))
    codes = np.stack([stats.multivariate_normal(*pair).pdf(z) for pair in pairs], axis=1)  # [B, B]: of z_i at x_j
    values = np.stack([stats.norm(m, np.sqrt(np.diag(c))).pdf(z) for m, c in pairs], axis=1)  # [B, B, D]
    joint, marginals = brute_force(codes, values, 50, sampling, weights)
    product = marginals.sum(axis=1)
    expected = [np.log(np.diag(codes)) - joint, joint - product, product - stats.norm.logpdf(z).sum(axis=-1)]
    rows = weights > 0
    for name, wanted in zip(PARTS, expected, strict=True):
        np.testing.assert_allclose(terms[name].numpy()[rows], wanted[rows], rtol=1e-4, atol=1e-4)  # solves in float32
    assert all(np.isfinite(values).all() for values in terms.values())


def test_full_covariance_without_correlations_is_the_diagonal_normal():
    layer, params, _, _ = full_covariance()
    params[:, 6:] = 0.0
    diagonal = normal(params[:, :3], tf.nn.softplus(params[:, 3:6]) + 1e-5)
    z = diagonal.sample(seed=SEED)
    pairs = (TotalCorrelation(50).aggregate(q, z) for q in (layer.distribution(params), diagonal))
    for found, expected in zip(*pairs, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_codes_in_blocks_have_the_values_of_all_of_them():
    layer, params, _, _ = full_covariance(dim=2)
    z = normal(LOC, SCALE).sample(seed=SEED)
    correlated, alone = layer.distribution(params), normal(LOC[:, 2:], SCALE[:, 2:])
    joint, marginals = TotalCorrelation(50).aggregate(Blocks([correlated, alone]), z, tf.constant(WEIGHT))
    for block, columns in ((correlated, slice(0, 2)), (alone, slice(2, 3))):
        expected = TotalCorrelation(50).aggregate(block, z[:, columns], tf.constant(WEIGHT))[1]
        np.testing.assert_allclose(marginals[:, columns], expected, rtol=1e-5)
    densities = tf.exp(correlated.log_prob(z[:, tf.newaxis, :2]) + alone.log_prob(z[:, tf.newaxis, 2:])).numpy()
    values = np.ones([7, 7, 3])
    expected, rows = brute_force(densities, values, 50, "stratified", WEIGHT)[0], WEIGHT > 0
    np.testing.assert_allclose(joint[rows], expected[rows], rtol=1e-4, atol=1e-5)


def test_full_covariance_of_one_example_has_the_total_correlation_of_a_normal():
    """In expectation, -1/2 log det of the correlations."""
    layer, params, _, covariance = full_covariance(rows=1)
    scale = np.sqrt(np.diag(covariance[0]))
    exact = -0.5 * np.linalg.slogdet(covariance[0] / np.outer(scale, scale))[1]
    z = layer.distribution(params).sample(20_000, seed=SEED)[:, 0]
    q = layer.distribution(params)
    found = (q.log_prob(z) - tf.reduce_sum(q.marginals().log_prob(z), axis=-1)).numpy()
    assert exact > 0.1
    assert found.mean() == pytest.approx(exact, abs=4 * found.std() / np.sqrt(len(found)))


@pytest.mark.parametrize("jit_compile", first(1, [False, True]))
def test_gradients_of_full_covariance_are_finite_for_codes_far_apart(jit_compile):
    layer, params, _, _ = full_covariance()
    params[:, :3] *= 30.0
    params[:, 3:6] -= 4.0  # scales near 0.01: densities that underflow

    @tf.function(jit_compile=jit_compile, autograph=False)
    def slopes(params):
        with tf.GradientTape() as tape:
            tape.watch(params)
            loss = terms_of(TotalCorrelation(50), layer.distribution(params), weight=tf.constant(WEIGHT))["loss"]
            loss = tf.reduce_sum(WEIGHT * loss)
        return tape.gradient(loss, params)

    found = slopes(tf.constant(params)).numpy()
    assert np.isfinite(found).all() and not found[5:].any() and found[:5].any(axis=1).all()


@pytest.mark.parametrize("posterior", ["planar_flow", "power_spherical", "relaxed_categorical"])
def test_posterior_without_marginals_is_refused(posterior):
    name = type(kae.latents.posteriors.get(posterior)).__name__
    with pytest.raises(ValueError, match=f"with a closed-form density for each dimension.* posterior={name}"):
        kae.models.VAE(latent_dim=10, posterior=posterior, objective=TotalCorrelation(50))


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"num_examples": 0}, "`num_examples` must be a positive integer"),
        ({"num_examples": 9, "beta": -1.0}, "`beta` must be a finite number >= 0, or a schedule"),
        ({"num_examples": 9, "sampling": "all"}, '`sampling` must be "stratified" or "weighted". Received'),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        TotalCorrelation(**arguments)


def small(**arguments):
    model = kae.models.BetaTCVAE(kae.networks.MLP([4]), kae.networks.MLP([4]), latent_dim=2, **arguments)
    model.compile(run_eagerly=True)
    return model


@pytest.mark.slow
def test_the_number_of_examples_is_that_of_the_data_of_fit(tmp_path):
    x = np.random.default_rng(0).random((40, 5)).astype("float32")
    model, given = small(), small(num_examples=30)
    given.build((None, 5))
    model.build((None, 5))
    model.set_weights(given.get_weights())
    pair = [each.fit(x, validation_split=0.25, batch_size=16, verbose=0).history["loss"] for each in (model, given)]
    assert pair[0] == pytest.approx(pair[1], rel=1e-6)
    assert model.objective.counted_examples == 30 and model.num_examples is None
    model.save(tmp_path / "m.keras")
    loaded = kae.load(tmp_path / "m.keras")
    assert loaded.evaluate(x, verbose=0) == pytest.approx(model.evaluate(x, verbose=0), rel=1e-6)
    loaded.fit(tf.data.Dataset.from_tensor_slices(x).batch(20), verbose=0)
    assert loaded.objective.counted_examples == 40 and loaded.num_examples is None
    loaded.num_examples = 77
    assert loaded.get_config()["num_examples"] == 77


def test_a_number_of_examples_that_is_not_known_must_be_given():
    x = np.random.default_rng(0).random((8, 5)).astype("float32")
    with pytest.raises(ValueError, match="`num_examples` must be given, as in TotalCorrelation"):
        small().evaluate(x, verbose=0)
    with pytest.raises(ValueError, match="`num_examples` must be given, as in TotalCorrelation"):
        small().fit((x for _ in range(2)), steps_per_epoch=2, shuffle=False, verbose=0)
