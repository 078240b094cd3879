"""Codes of several kinds in one: MixedPosterior and MixedPrior."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import special, stats

import keras_ae as kae
from keras_ae import latents
from keras_ae.latents.spaces import Formula
from keras_ae.objectives import ELBO, JointCapacity
from keras_ae.schedules import LinearWarmUp
from keras_ae.step_context import StepContext

SIZES = (2, 6)
SEED = tf.constant([3, 4], tf.int32)
FEATURES = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
ALONE, PRIOR = latents.DiagonalNormal(), latents.NormalMixture(3)


def posterior(first="diagonal_normal", **arguments):
    first = latents.posteriors.get(first)
    layer = latents.MixedPosterior([first, latents.RelaxedCategorical(3, **arguments)], SIZES)
    layer.set_latent_dim(8)
    layer.build((None, 4))
    return layer


def prior(first="standard_normal"):
    layer = latents.MixedPrior([latents.priors.get(first), latents.UniformCategorical(3)], SIZES)
    layer.build((None, 8))
    return layer


def model_of(latent_dim=8, **arguments):
    network = kae.networks.MLP
    parts = {
        "posterior": latents.MixedPosterior([latents.DiagonalNormal(), latents.RelaxedCategorical(3)], SIZES),
        "prior": latents.MixedPrior([latents.StandardNormal(), latents.UniformCategorical(3)], SIZES),
        **arguments,
    }
    return kae.Autoencoder(network([8]), network([8]), latent_dim=latent_dim, **parts)


def test_rate_is_the_sum_of_the_closed_forms():
    layer = posterior()
    params = layer(FEATURES)
    loc, raw, logits = np.split(params.numpy().astype("float64"), [2, 4], axis=1)
    scale = np.log1p(np.exp(raw)) + 1e-5
    normal = (0.5 * (loc**2 + scale**2 - 1) - np.log(scale)).sum(axis=1)
    probs = special.softmax(logits.reshape(5, 2, 3), axis=-1)
    categorical = (np.log(3) - stats.entropy(probs, axis=-1)).sum(axis=1)
    kl = tfp.distributions.kl_divergence(layer.distribution(params), prior().distribution())
    np.testing.assert_allclose(kl, normal + categorical, rtol=1e-4)


def test_each_part_has_its_closed_form_even_where_another_has_none():
    """A flow has a KL by Monte Carlo alone, relaxed codes an analytic one alone."""
    layer, p = posterior("inverse_autoregressive_flow"), prior().distribution()
    q = layer.distribution(layer(FEATURES))
    z, kl = kae.objectives.estimators.kl.sample_and_kl(q, p, 4000, SEED)
    assert z.shape == (4000, 5, 8)
    first, log_prob = q.blocks[0].experimental_sample_and_log_prob(4000, seed=[8, 9])
    expected = tf.reduce_mean(log_prob - p.blocks[0].log_prob(first), axis=0)
    expected += tfp.distributions.kl_divergence(q.blocks[1], p.blocks[1])
    np.testing.assert_allclose(kl, expected, atol=0.1)  # two means of 4,000 values with a deviation of about 1
    with pytest.raises(NotImplementedError):
        kae.objectives.estimators.kl.sample_and_kl(q, p, 2, SEED, "analytic")


def test_density_samples_mean_and_deviation_are_those_of_the_parts():
    layer = posterior()
    params = layer(FEATURES)
    q = layer.exact(params)
    z, log_prob = q.experimental_sample_and_log_prob(3, seed=SEED)
    np.testing.assert_allclose(q.log_prob(z), log_prob, rtol=1e-5)
    normal, categorical = q.blocks
    expected = stats.norm(normal.mean(), normal.stddev()).logpdf(z[..., :2]).sum(axis=-1)
    chosen = z[..., 2:].numpy().reshape(3, 5, 2, 3)
    np.testing.assert_array_equal(np.sort(chosen, axis=-1)[..., -1], 1)
    expected += (chosen * np.log(categorical.mean().numpy().reshape(5, 2, 3))).sum(axis=(-2, -1))
    np.testing.assert_allclose(log_prob, expected, rtol=1e-4)
    np.testing.assert_allclose(layer.mean(params), q.mean(), rtol=1e-6)
    np.testing.assert_allclose(q.mean(), np.concatenate([normal.mean(), categorical.mean()], axis=1), rtol=1e-6)
    np.testing.assert_allclose(q.stddev(), np.concatenate([normal.stddev(), categorical.stddev()], axis=1), rtol=1e-6)


def test_a_prior_of_unequal_batch_shapes_is_broadcast():
    layer = latents.MixedPrior([latents.ConditionalNormal(()), latents.UniformCategorical(3)], SIZES)
    layer.build([(None, 8), (None, 4)])
    p = layer.distribution(FEATURES)
    assert p.batch_shape == (5,) and p.event_shape == (8,)
    z = p.sample(7, seed=SEED)
    assert z.shape == (7, 5, 8) and p.log_prob(z).shape == (7, 5)


def test_portable_samples_follow_their_parts_independently():
    """Two equal parts would draw the same numbers, were they not told apart."""
    layer = latents.MixedPrior([latents.StandardNormal(), latents.StandardNormal()], (2, 2))
    layer.build((None, 4))
    z = layer.sample(tf.fill([20000], 5), tf.range(20000)).numpy()
    for value in z.T:
        assert stats.kstest(value, "norm").pvalue > 1e-3
    np.testing.assert_allclose(np.corrcoef(z.T), np.eye(4), atol=4 / np.sqrt(20000))
    mixed = prior().sample(tf.fill([20000], 5), tf.range(20000)).numpy()
    classes = mixed[:, 2:].reshape(-1, 2, 3)
    np.testing.assert_array_equal(classes.sum(axis=-1), 1)
    for group in range(2):
        assert stats.chisquare(classes[:, group].sum(axis=0)).pvalue > 1e-3
        each = [mixed[classes[:, group, label] == 1, 0] for label in range(3)]
        assert stats.f_oneway(*each).pvalue > 1e-3
    # Logarithms and cosines of few and of many values at once may be rounded differently.
    np.testing.assert_allclose(mixed[:10], prior().sample(tf.fill([10], 5), tf.range(10)), rtol=1e-5, atol=1e-6)


def test_portable_draws_of_the_posterior_follow_it():
    layer = latents.MixedPosterior([latents.DiagonalNormal(), latents.PowerSpherical()], (2, 3))
    layer.set_latent_dim(5)
    layer.build((None, 4))
    assert Formula.STDDEV not in layer.formulas
    params = tf.repeat(layer(FEATURES[:1]), 5000, axis=0)
    z = layer.draw(params, tf.fill([5000], 5), tf.range(5000)).numpy()
    normal = layer.distribution(params).blocks[0]
    noise = (z[:, :2] - normal.mean()) / normal.stddev()
    for values in (*noise.numpy().T, noise.numpy().sum(axis=1) / np.sqrt(2)):
        assert stats.kstest(values, "norm").pvalue > 1e-3
    np.testing.assert_allclose(np.linalg.norm(z[:, 2:], axis=1), 1, atol=1e-5)
    assert np.abs(np.corrcoef(z.T)[:2, 2:]).max() < 4 / np.sqrt(5000)
    assert Formula.LOG_PROB not in posterior().formulas


def test_log_likelihood_is_that_of_the_mixed_model():
    """The sum over the classes of an integral over the normal value."""
    network = kae.networks.MLP
    model = kae.Autoencoder(
        network([8]),
        network([8]),
        latent_dim=4,
        posterior=latents.MixedPosterior([latents.DiagonalNormal(), latents.RelaxedCategorical(3)], (1, 3)),
        prior=latents.MixedPrior([latents.StandardNormal(), latents.UniformCategorical(3)], (1, 3)),
    )
    model.build((None, 5))
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(size=w.shape, scale=0.4) for w in model.get_weights()])
    x = (rng.random((4, 5)) > 0.5).astype("float32")
    grid = np.linspace(-8, 8, 801)
    codes = np.concatenate([np.tile(grid, 3)[:, np.newaxis], np.repeat(np.eye(3), 801, axis=0)], axis=1)
    every = model.likelihood(codes.astype("float32")).log_prob(x[:, np.newaxis]).numpy().astype("float64")
    weights = np.tile(stats.norm.pdf(grid) * (grid[1] - grid[0]) / 3, 3)
    expected = special.logsumexp(every, axis=1, b=weights)
    estimate = kae.evaluate.log_likelihood(model, x, num_samples=20_000)
    np.testing.assert_allclose(estimate, expected, atol=0.05)  # the error of 20,000 samples


def test_joint_capacity_equals_its_formula():
    objective = JointCapacity(LinearWarmUp(10, end=4.0), LinearWarmUp(20, end=1.0), gamma=7.0, num_samples=3)
    model = model_of(objective=objective)
    model.build((None, 5))
    x = np.random.default_rng(2).random((6, 5)).astype("float32")
    q, p = model.posterior(x), model.prior()
    normal, categorical = (
        tfp.distributions.kl_divergence(own, other).numpy() for own, other in zip(q.blocks, p.blocks, strict=True)
    )
    for step, capacities in {0: (0, 0), 5: (2.0, 0.25), 30: (4.0, 1.0)}.items():
        terms = model.terms(x, None, StepContext(SEED, step=step))
        expected = 7 * (np.abs(normal - capacities[0]) + np.abs(categorical - capacities[1]))
        np.testing.assert_allclose(terms["loss"] - terms["reconstruction"], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(terms["kl"], normal + categorical, rtol=1e-5)
    np.testing.assert_allclose(terms["categorical_kl"], categorical, rtol=1e-5)
    assert objective.warm_up == 20


def test_file_keeps_parts_and_the_temperature_follows_its_schedule(tmp_path):
    cooling = keras.optimizers.schedules.PolynomialDecay(2.0, 10, end_learning_rate=0.5)
    parts = [latents.DiagonalNormal(), latents.RelaxedCategorical(3, temperature=cooling)]
    model = model_of(posterior=latents.MixedPosterior(parts, SIZES), condition=kae.Categorical(2))
    model.compile(jit_compile=False)
    x, labels = np.random.default_rng(2).random((64, 5)).astype("float32"), np.arange(64) % 2
    model.fit(x, labels, batch_size=16, epochs=2, verbose=0)  # 8 steps
    assert float(model.posterior(x[:2], labels[:2]).blocks[1].temperature) == pytest.approx(0.8, abs=1e-6)
    model.save(tmp_path / "model.keras")
    again = kae.load(tmp_path / "model.keras")
    assert again.posterior_layer.sizes == again.prior_layer.sizes == SIZES
    assert float(again.posterior(x[:2], labels[:2]).blocks[1].temperature) == pytest.approx(0.8, abs=1e-6)
    for a, b in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(again.sample(3, 1, seed=4), model.sample(3, 1, seed=4))
    np.testing.assert_allclose(again.encode(x, labels)[:, 2:].numpy().sum(axis=1), 2, rtol=1e-5)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: latents.MixedPosterior([latents.DiagonalNormal()], (2, 6)), "`parts` must be posteriors with a dens"),
        (lambda: latents.MixedPosterior([latents.Deterministic()], (2,)), r"Received: parts=\['Deterministic'\]"),
        (lambda: latents.MixedPosterior([latents.VectorQuantizer()], (2,)), r"parts=\['VectorQuantizer'\]"),
        (lambda: latents.MixedPosterior([posterior()], (8,)), r"parts=\['MixedPosterior'\], sizes=\(8,\)"),
        (lambda: latents.MixedPosterior("diagonal_normal", (8,)), "one for each of `sizes`"),
        (lambda: latents.MixedPosterior([latents.DiagonalNormal()], (0,)), "`sizes` must be a sequence of positive"),
        (lambda: latents.MixedPrior([latents.VampPrior(3)], (8,)), "`parts` must be priors that need no model"),
        (lambda: latents.MixedPrior([latents.DiagonalNormal()], (8,)), r"parts=\['DiagonalNormal'\]"),
        (lambda: model_of(latent_dim=9), r"`latent_dim` must be 8, the sum of \(2, 6\). Received: latent_dim=9"),
        (lambda: model_of(prior="standard_normal"), "`prior` must be over the same codes as `posterior`"),
        (
            lambda: model_of(posterior=latents.MixedPosterior([latents.DiagonalNormal()] * 1, (8,))),
            "MixedPosterior over 8 values of real vectors and MixedPrior over 2 values of real vectors, then 6 values",
        ),
        (
            lambda: model_of(
                posterior=latents.MixedPosterior([latents.DiagonalNormal(), latents.RelaxedCategorical(4)], SIZES)
            ),
            r"`parts\[1\]` RelaxedCategorical has the `latent_dim` sizes\[1\]=6: .* a multiple of the 4 classes",
        ),
        (
            lambda: latents.MixedPosterior([ALONE, ALONE], (2, 2)),
            "different instances. Received: the same instance twice, parts=",
        ),
        (
            lambda: latents.MixedPrior([PRIOR, PRIOR], (2, 2)),
            "different instances. Received: the same instance twice, parts=",
        ),
        (lambda: kae.models.VAE(objective=JointCapacity(1.0, 1.0)), "JointCapacity needs a MixedPosterior with a Rela"),
        (lambda: JointCapacity(1.0, -1.0), "`categorical_capacity` must be a finite number >= 0"),
    ],
)
def test_parts_that_do_not_go_together_are_refused_at_construction(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_mixed_codes_are_refused_where_a_rate_of_each_sample_is_needed():
    """Relaxed one-hot vectors have no density: an importance weight of them would be wrong."""
    for objective in (ELBO(kl="monte_carlo"), kae.objectives.IWAE(), kae.objectives.PIWAE()):
        with pytest.raises(ValueError, match=r"density in training.* Received: posterior=MixedPosterior"):
            model_of(objective=objective)


def test_a_part_that_all_conditions_share_is_drawn_for_each_of_them():
    """One draw of it for a whole batch would be one code for all, where MMD compares codes with draws of the prior."""
    layer = latents.MixedPrior([latents.StandardNormal(), latents.ConditionalNormal(())], (2, 2))
    layer.build([(None, 4), (None, 4)])
    p = layer.distribution(FEATURES)
    z = p.sample(seed=SEED).numpy()
    assert z.shape == (5, 4) and len(np.unique(z[:, 0])) == 5
    for shape, expected in ((), (5,)), (5, (5, 5)), (3, (3, 5)), ([2, 3], (2, 3, 5)):
        z, log_prob = p.experimental_sample_and_log_prob(shape, seed=SEED)
        assert log_prob.shape == expected and z.shape == (*expected, 4)
        assert len(np.unique(z[..., 0])) == np.prod(expected)
        np.testing.assert_allclose(log_prob, p.log_prob(z), rtol=1e-5)
    z = p.sample(20_000, seed=SEED).numpy()
    for row in range(5):
        assert stats.kstest(z[:, row, 1], "norm").pvalue > 1e-3
    assert abs(np.corrcoef(z[:, 0, 0], z[:, 1, 0])[0, 1]) < 4 / np.sqrt(20_000)


def _built(cls, size):
    part = cls()
    kae.Autoencoder(latent_dim=size, **{"posterior" if issubclass(cls, latents.Posterior) else "prior": part}).build(
        (None, 6)
    )
    return part


@pytest.mark.parametrize(
    "arguments",
    [
        lambda: {"posterior": latents.PlanarFlow(_built(latents.DiagonalNormal, 1))},
        lambda: {
            "posterior": latents.MixedPosterior([_built(latents.DiagonalNormal, 2), latents.DiagonalNormal()], [3, 1]),
            "prior": latents.MixedPrior([latents.StandardNormal(), latents.StandardNormal()], [3, 1]),
        },
        lambda: {
            "posterior": latents.MixedPosterior([latents.DiagonalNormal(), latents.DiagonalNormal()], [3, 1]),
            "prior": latents.MixedPrior([_built(latents.NormalMixture, 2), latents.StandardNormal()], [3, 1]),
        },
    ],
    ids=["the base of a flow", "a posterior", "a prior"],
)
def test_a_part_that_was_built_for_another_size_is_refused(arguments):
    with pytest.raises(
        ValueError,
        match=r"must not be shared by models or parts .* Received: (latent_dim=|built for \()[12]",
    ):
        kae.Autoencoder(latent_dim=4, **arguments()).build((None, 6))


@pytest.mark.parametrize("sizes", [[True, 3], [2.0, 2.0], "22", None, [0, 4], {2: 2}])
def test_sizes_that_are_not_whole_are_refused(sizes):
    with pytest.raises(ValueError, match=r"`sizes` must be a sequence of positive .*, one a part. Received: sizes="):
        latents.MixedPrior([latents.StandardNormal(), latents.StandardNormal()], sizes)
