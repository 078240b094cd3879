"""Codes in layers: the prior, the posteriors that share its networks, and their KL."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import stats
from tiers import first

import keras_ae as kae
from keras_ae import latents
from keras_ae.latents.distributions.blocks import with_gradients
from keras_ae.latents.posteriors.ladder_normal import merged
from keras_ae.step_context import StepContext

tfd = tfp.distributions
SEED = tf.constant([3, 4], tf.int32)
X = np.random.default_rng(1).random((7, 5)).astype("float32")
SIZES = (3, 2, 1)


def scrambled(layer, *shapes, scale=0.5, seed=0):
    if not layer.built:
        layer.build(*shapes)
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.normal(size=w.shape, scale=scale) for w in layer.get_weights()])
    return layer


def made(posterior, sizes=SIZES, hidden=(4,), likelihood="normal", objective="elbo"):
    """A small model with every weight at random."""
    network = kae.networks.MLP
    model = kae.Autoencoder(
        network([6]),
        network([5]),
        latent_dim=sum(sizes),
        posterior=posterior,
        prior=latents.HierarchicalNormal(sizes, hidden=hidden),
        likelihood=likelihood,
        objective=objective,
    )
    model.build((None, 5))
    return scrambled(model)


POSTERIORS = {
    "top_down": lambda: latents.TopDownNormal(4),
    "ladder": lambda: latents.LadderNormal(4),
}


# The prior.


def linear():
    """z_1 = A z_2 + b + s e: two layers of which the joint density is known, and its mean and covariance."""
    prior = latents.HierarchicalNormal((3, 2), hidden=())
    prior.build((None, 5))
    weights, offset, scale = np.array([[1.0, -2.0, 0.5], [0.3, 0.7, -1.0]]), np.array([0.1, 0.2, -0.3]), 0.6
    raw = np.log(np.expm1(scale - 1e-5)) - 0.5413
    last = prior.networks[0].last
    last.set_weights([np.concatenate([weights, np.zeros([2, 3])], axis=1), np.concatenate([offset, np.full(3, raw)])])
    lower = weights.T @ weights + scale**2 * np.eye(3)
    covariance = np.block([[lower, weights.T], [weights, np.eye(2)]])
    return prior, np.concatenate([offset, np.zeros(2)]), covariance


def test_density_of_two_linear_layers_equals_scipy():
    prior, mean, covariance = linear()
    z = np.random.default_rng(2).normal(size=(4, 6, 5)).astype("float32")
    expected = stats.multivariate_normal(mean, covariance).logpdf(z)
    np.testing.assert_allclose(prior.distribution().log_prob(z), expected, rtol=1e-4, atol=1e-4)


def test_portable_samples_have_the_moments_of_two_linear_layers():
    prior, mean, covariance = linear()
    z = prior.sample(tf.fill([20000], 5), tf.range(20000)).numpy()
    factor = np.linalg.cholesky(covariance)
    white = np.linalg.solve(factor, (z - mean).T)  # standard normal, if they follow the density
    for values in (*white, white.sum(axis=0) / np.sqrt(5)):
        assert stats.kstest(values, "norm").pvalue > 1e-3
    np.testing.assert_allclose(np.cov(white), np.eye(5), atol=0.04)  # of 20,000: a standard deviation of 0.01


@pytest.mark.parametrize("jit_compile", [True, False])
def test_density_that_comes_with_samples_is_that_of_the_codes(jit_compile):
    prior = scrambled(latents.HierarchicalNormal(SIZES, hidden=(4,)), (None, 6))

    @tf.function(jit_compile=jit_compile)
    def both():
        z, log_prob = prior.distribution().experimental_sample_and_log_prob(5, seed=SEED)
        return z, log_prob, prior.distribution().log_prob(z)

    z, log_prob, again = both()
    assert z.shape == (5, 6) and log_prob.shape == (5,)
    np.testing.assert_allclose(log_prob, again, atol=1e-4)


def test_density_integrates_to_one():
    prior = scrambled(latents.HierarchicalNormal((1, 1), hidden=(6,)), (None, 2), scale=1.0)
    side = np.linspace(-12, 12, 601, dtype="float32")
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    density = np.exp(prior.distribution().log_prob(grid).numpy().astype("float64"))
    # What lies outside of the grid, and the sum for the integral: the density is some cells wide.
    assert density.sum() * (side[1] - side[0]) ** 2 == pytest.approx(1, abs=1e-2)


def test_prior_starts_as_the_standard_normal_and_every_weight_gets_a_gradient():
    prior = latents.HierarchicalNormal(SIZES)
    prior.build((None, 6))
    z = np.random.default_rng(3).normal(size=(8, 6)).astype("float32")
    np.testing.assert_allclose(prior.distribution().log_prob(z), stats.norm.logpdf(z).sum(axis=1), rtol=1e-4)
    scrambled(prior)
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(prior.distribution().log_prob(z))
    assert all(np.any(gradient) for gradient in tape.gradient(loss, prior.trainable_variables))


# A prior of the last layer.


def topped(top=None, sizes=SIZES):
    """A hierarchical prior whose last layer has a learned prior, with every weight at random."""
    top = latents.NormalMixture(3) if top is None else top
    return scrambled(latents.HierarchicalNormal(sizes, hidden=(4,), top=top), (None, sum(sizes)))


def test_the_density_of_a_learned_last_layer_takes_the_place_of_the_normal_one():
    prior = topped()
    z = np.random.default_rng(4).normal(size=(4, 6)).astype("float32")
    plain = latents.HierarchicalNormal(SIZES, hidden=(4,))
    plain.build((None, 6))
    for mine, other in zip(plain.networks, prior.networks, strict=True):
        mine.set_weights(other.get_weights())
    of_top = prior.top.distribution().log_prob(z[:, 5:]) - stats.norm.logpdf(z[:, 5])
    expected = plain.distribution().log_prob(z) + of_top
    np.testing.assert_allclose(prior.distribution().log_prob(z), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", [(), (5,), (2, 3)])
def test_samples_with_a_learned_last_layer_come_with_their_density(shape):
    p = topped(latents.RealNVP(2, hidden=(4,)), sizes=(3, 2)).distribution()
    z, log_prob = p.experimental_sample_and_log_prob(shape, seed=SEED)
    assert z.shape == (*shape, 5) and log_prob.shape == shape
    np.testing.assert_allclose(log_prob, p.log_prob(z), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(z, p.sample(shape, seed=SEED), rtol=1e-5, atol=1e-6)  # rounding


def test_both_generators_draw_the_last_layer_from_its_prior():
    prior = topped(latents.NormalMixture(2), sizes=(2, 1))
    prior.top.assign([0.7, 0.3], [[-2.0], [3.0]], [[0.5], [1.0]])
    portable = prior.sample(tf.fill([4000], 5), tf.range(4000)).numpy()
    usual = prior.distribution().sample(4000, seed=SEED).numpy()
    exact = stats.norm(-2, 0.5), stats.norm(3, 1)
    for z in (portable, usual):
        assert stats.kstest(z[:, 2], lambda v: 0.7 * exact[0].cdf(v) + 0.3 * exact[1].cdf(v)).pvalue > 1e-3
    for mine, other in zip(portable.T, usual.T, strict=True):
        assert stats.ks_2samp(mine, other).pvalue > 1e-3


@pytest.mark.parametrize("name", POSTERIORS)
def test_the_kl_from_a_learned_last_layer_is_the_mean_of_the_log_ratio(name):
    prior = latents.HierarchicalNormal(SIZES, hidden=(4,), top=latents.NormalMixture(3))
    model = kae.Autoencoder(kae.networks.MLP([6]), latent_dim=6, posterior=POSTERIORS[name](), prior=prior)
    model.build((None, 5))
    scrambled(model)
    q, p = model.posterior(X), model.prior()
    _, kl = q.sample_and_kl(p, 20000, SEED)
    z, log_prob = q.experimental_sample_and_log_prob(20000, seed=SEED)
    ratio = (log_prob - p.log_prob(z)).numpy().astype("float64")
    error = ratio.std(axis=0) / np.sqrt(len(ratio))
    assert np.all(np.abs(kl - ratio.mean(axis=0)) < 5 * error)
    with pytest.raises(ValueError, match="has no KL of dimensions"):
        kae.evaluate.likelihood.kl_of_dimensions(model, X)


@pytest.mark.parametrize("top", [lambda: latents.NormalMixture(2), lambda: latents.RealNVP(2, hidden=(4,))])
def test_draws_of_a_learned_last_layer_train_its_weights(top):
    prior = topped(top(), sizes=(3, 2))
    with tf.GradientTape() as tape:
        z = with_gradients(prior.distribution()).sample(50, seed=SEED)
        loss = tf.reduce_sum(z**3)
    gradients = tape.gradient(loss, prior.trainable_variables)
    assert all(gradient is not None and np.any(gradient) for gradient in gradients)


@pytest.mark.parametrize("cls", [kae.models.HierarchicalVAE, kae.models.LadderVAE])
def test_a_learned_last_layer_is_trained_and_saved(cls, tmp_path):
    model = cls(kae.networks.MLP([6]), kae.networks.MLP([5]), sizes=[3, 2], top=latents.RealNVP(2, hidden=(4,)))
    model.compile()
    model.build((None, 5))
    before = [weight.numpy() for weight in model.top.trainable_weights]
    model.fit(X, epochs=2, verbose=0)
    assert all(np.any(mine != weight.numpy()) for mine, weight in zip(before, model.top.weights, strict=True))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.sample(4, seed=1), model.sample(4, seed=1))


@pytest.mark.parametrize(
    "top",
    [
        latents.ConditionalNormal,
        latents.VampPrior,
        lambda: latents.UniformCategorical(2),
        lambda: latents.HierarchicalNormal((1, 1)),
    ],
)
def test_a_last_layer_that_needs_more_is_refused(top):
    with pytest.raises(ValueError, match="`top` must be a prior over real vectors that needs neither the model nor"):
        latents.HierarchicalNormal((3, 2), top=top())


def test_a_last_layer_is_given_by_name_or_as_a_prior():
    assert isinstance(latents.HierarchicalNormal((3, 2), top="real_nvp").top, latents.RealNVP)
    with pytest.raises(ValueError, match=r"`top` must be one of .*masked_autoregressive_flow"):
        latents.HierarchicalNormal((3, 2), top="vamp")
    with pytest.raises(TypeError, match="`top` must be a name or an instance of Prior"):
        latents.HierarchicalNormal((3, 2), top=latents.LadderNormal())


def test_a_last_layer_that_is_too_small_for_its_prior_is_refused():
    with pytest.raises(ValueError, match="`latent_dim` must be >= 2 for couplings"):
        kae.models.HierarchicalVAE(sizes=[3, 1], top=latents.RealNVP())


# The posteriors.


@pytest.mark.parametrize("name", POSTERIORS)
def test_sampling_meets_the_density_layer_by_layer(name):
    model = made(POSTERIORS[name]())
    q = model.posterior(X)
    z, log_prob = q.experimental_sample_and_log_prob(4, seed=SEED)
    assert q.batch_shape == (7,) and q.event_shape == (6,) and z.shape == (4, 7, 6)
    np.testing.assert_allclose(log_prob, q.log_prob(z), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(z, q.sample(4, seed=SEED), rtol=1e-5, atol=1e-6)  # rounding
    parts = np.split(z.numpy(), [3, 5], axis=-1)
    total, noise = 0.0, []
    for level, part in enumerate(parts):
        loc, scale = q.layer(level, tf.constant(parts[level + 1]) if level < 2 else None)
        total += stats.norm(loc, scale).logpdf(part).sum(axis=-1)
        noise.append((part - loc) / scale)
    np.testing.assert_allclose(log_prob, total, rtol=1e-4, atol=1e-4)
    expected = tf.random.stateless_normal([4, 7, 6], SEED)
    np.testing.assert_allclose(np.concatenate(noise, axis=-1), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", POSTERIORS)
def test_encode_takes_the_path_of_the_means(name):
    model = made(POSTERIORS[name]())
    q, z = model.posterior(X), model.encode(X).numpy()
    lower, middle, upper = np.split(z, [3, 5], axis=-1)
    np.testing.assert_allclose(upper, q.layer(2, None)[0], rtol=1e-5)
    np.testing.assert_allclose(middle, q.layer(1, tf.constant(upper))[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(lower, q.layer(0, tf.constant(middle))[0], rtol=1e-4, atol=1e-5)


def test_ladder_merges_by_precision():
    model = made(latents.LadderNormal(4), sizes=(2, 1))
    params = model.posterior_params(X)
    above = tf.random.stateless_normal([5, 7, 1], SEED)
    loc, scale = model.posterior_layer.layer(params, 0, above)
    estimate, raw = np.split(params.numpy()[:, :4].astype("float64"), 2, axis=1)
    spread = np.logaddexp(0, raw) + 1e-5
    _, prior_loc, prior_scale = (t if t is None else t.numpy() for t in model.prior_layer.top_down(0, above))
    precision = spread**-2 + prior_scale**-2
    np.testing.assert_allclose(scale, precision**-0.5, rtol=1e-5)
    np.testing.assert_allclose(
        loc, (estimate / spread**2 + prior_loc / prior_scale**2) / precision, rtol=1e-4, atol=1e-5
    )
    top = model.posterior_layer.layer(params, 1, None)  # what x tells, alone
    np.testing.assert_allclose(top[0], params[:, 4:5], rtol=1e-6)
    np.testing.assert_allclose(top[1], np.logaddexp(0, params[:, 5:]) + 1e-5, rtol=1e-5)


def test_merge_is_the_product_of_two_densities():
    loc, scale = (float(v) for v in merged(tf.constant(1.0), tf.constant(2.0), tf.constant(-0.5), tf.constant(0.7)))
    z = np.linspace(-3, 3, 13)
    product = stats.norm(1, 2).logpdf(z) + stats.norm(-0.5, 0.7).logpdf(z)
    difference = stats.norm(loc, scale).logpdf(z) - product
    np.testing.assert_allclose(difference, difference[0], rtol=1e-5)


def silent(model):
    """Takes the weights from the networks from the top down."""
    for network in model.prior_layer.networks:
        network.last.set_weights([0 * w for w in network.last.get_weights()])
    for merge in getattr(model.posterior_layer, "merges", ()):
        merge.set_weights([0 * w for w in merge.get_weights()])
    return model


@pytest.mark.parametrize("sizes", [SIZES, (6,)])
def test_without_weights_from_the_top_down_it_is_a_vae(sizes):
    """The diagonal normal posterior and the standard normal prior: the same loss for the same noise."""
    model = silent(made(latents.TopDownNormal(4), sizes=sizes))
    q = model.posterior(X)
    above = [tf.zeros([7, size]) for size in sizes[1:]] + [None]
    loc, scale = (
        tf.concat(parts, axis=-1)
        for parts in zip(*(q.layer(level, above[level]) for level in range(len(sizes))), strict=True)
    )
    diagonal = tfd.Independent(tfd.Normal(loc, scale), 1)
    plain = tfd.Independent(tfd.Normal(tf.zeros(6), 1.0), 1)

    def likelihood(z):
        return model.likelihood_layer.distribution(model.likelihood_params(z))

    expected = kae.objectives.ELBO().call(X, lambda x: diagonal, plain, likelihood, StepContext(SEED))
    terms = model.terms(tf.constant(X), None, StepContext(SEED))
    for key, values in expected.items():
        np.testing.assert_allclose(terms[key], values, rtol=1e-3, atol=1e-4)  # 0.5413 is softplus^-1(1) to 4 digits


# The KL.


@pytest.mark.parametrize("name", first(1, POSTERIORS))
def test_rate_of_layers_is_that_of_log_densities_with_less_noise(name):
    model = scrambled(made(POSTERIORS[name]()), scale=0.3)  # larger ones have KLs of hundreds of nats here and there
    q, p = model.posterior(X), model.prior()
    z, log_prob = q.experimental_sample_and_log_prob(20_000, seed=SEED)
    estimates = (log_prob - p.log_prob(z)).numpy()
    error = estimates.std(axis=0) / np.sqrt(20_000)
    kls = [q.sample_and_kl(p, 20, tf.constant([5, number]))[1] for number in range(50)]
    spread = np.std(kls, axis=0) / np.sqrt(50)
    np.testing.assert_array_less(np.abs(np.mean(kls, axis=0) - estimates.mean(axis=0)), 4.5 * (error + spread) + 1e-5)
    assert (np.std(kls, axis=0) * np.sqrt(20) < 0.5 * estimates.std(axis=0)).all()
    assert (np.mean(kls, axis=0) > 0).all()


@pytest.mark.parametrize("name", POSTERIORS)
def test_auto_takes_the_rate_of_layers_and_monte_carlo_the_densities(name):
    q, p = (lambda m: (m.posterior(X), m.prior()))(made(POSTERIORS[name]()))
    z, kl = kae.objectives.estimators.kl.sample_and_kl(q, p, 3, SEED)
    np.testing.assert_allclose(kl, q.sample_and_kl(p, 3, SEED)[1], rtol=1e-5)
    _, log_prob = q.experimental_sample_and_log_prob(3, seed=SEED)
    again, estimate = kae.objectives.estimators.kl.sample_and_kl(q, p, 3, SEED, "monte_carlo")
    np.testing.assert_allclose(z, again, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(estimate, tf.reduce_mean(log_prob - p.log_prob(z), axis=0), rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", POSTERIORS)
@pytest.mark.parametrize("jit_compile", [True, False])
def test_every_weight_gets_a_finite_gradient(name, jit_compile):
    model = made(POSTERIORS[name]())

    @tf.function(jit_compile=jit_compile)
    def gradients():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model.terms(tf.constant(X), None, StepContext(SEED, training=True))["loss"])
        return tape.gradient(loss, model.trainable_variables)

    for variable, gradient in zip(model.trainable_variables, gradients(), strict=True):
        assert np.isfinite(gradient).all() and np.any(gradient), variable.path


@pytest.mark.parametrize("name", POSTERIORS)
def test_the_networks_of_the_prior_are_its_own(name):
    model = made(POSTERIORS[name]())
    prior = {id(weight) for weight in model.prior_layer.weights}
    assert prior and not prior & {id(weight) for weight in model.posterior_layer.weights}
    assert len({id(weight) for weight in model.weights}) == len(model.weights)


def test_a_posterior_serves_one_model_alone():
    posterior = made(latents.LadderNormal()).posterior_layer
    prior = latents.HierarchicalNormal(SIZES)
    with pytest.raises(ValueError, match="LadderNormal must not be shared by two models"):
        kae.Autoencoder(latent_dim=6, posterior=posterior, prior=prior).build((None, 5))


@pytest.mark.parametrize("prior", ["standard_normal", None])
def test_a_posterior_in_layers_needs_a_prior_in_layers(prior):
    objective = "elbo" if prior else "reconstruction"
    with pytest.raises(ValueError, match="`posterior` TopDownNormal needs a hierarchical prior"):
        kae.Autoencoder(posterior="top_down_normal", prior=prior, objective=objective)


@pytest.mark.parametrize(
    "make, message",
    [
        (
            lambda: kae.models.VAE(latent_dim=5, prior=latents.HierarchicalNormal((3, 1))),
            "`latent_dim` must be the sum",
        ),
        (lambda: kae.models.LadderVAE(sizes=(3, 1), latent_dim=5), "`latent_dim` must be the sum of the sizes"),
        (lambda: kae.models.LadderVAE(sizes=(3, 0)), "`sizes` must be a sequence of positive integers"),
        (lambda: kae.models.HierarchicalVAE(latent_dim=0), "`latent_dim` must be a positive integer"),
        (lambda: latents.TopDownNormal(0), "`hidden` must be a positive integer"),
        (lambda: latents.LadderNormal(2.5), "`hidden` must be a positive integer"),
    ],
)
def test_arguments_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# The models.
