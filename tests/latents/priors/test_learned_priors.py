"""Learned priors: flows, a normal for each condition, and the posterior of pseudo-inputs."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from differences import jacobians
from scipy import special, stats

import keras_ae as kae
from keras_ae import latents, random

FLOWS = {
    "real_nvp": lambda: latents.RealNVP(5, hidden=(12,)),
    "masked_autoregressive_flow": lambda: latents.MaskedAutoregressiveFlow(3, hidden=(12, 8)),
}
SEEDS, ROWS = tf.fill([20000], 5), tf.range(20000)


def scrambled(layer, *shapes, scale=0.5):
    if not layer.built:
        layer.build(*shapes)
    rng = np.random.default_rng(0)
    layer.set_weights([rng.normal(size=w.shape, scale=scale) for w in layer.get_weights()])
    return layer


@pytest.mark.parametrize("name", FLOWS)
@pytest.mark.parametrize("dim", [2, 5])
def test_flow_undoes_itself_and_has_the_determinant_of_its_jacobian(name, dim):
    prior = scrambled(FLOWS[name](), (None, dim))
    noise = tf.constant(np.random.default_rng(1).normal(size=(6, dim)), tf.float32)
    z, log_det = prior.forward(noise)
    jacobian = jacobians(lambda noise: prior.forward(noise)[0], noise)
    np.testing.assert_allclose(log_det, np.linalg.slogdet(jacobian)[1], atol=3e-3)  # the steps; seen: 1e-3
    again, same = prior.inverse(z)
    np.testing.assert_allclose(again, noise, atol=1e-4)
    np.testing.assert_allclose(same, log_det, atol=1e-4)
    expected = stats.norm.logpdf(noise).sum(axis=1) - log_det
    np.testing.assert_allclose(prior.distribution().log_prob(z), expected, atol=1e-3)


@pytest.mark.parametrize("name", FLOWS)
def test_density_of_a_flow_integrates_to_one(name):
    side = np.linspace(-15, 15, 601, dtype="float32")
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    density = np.exp(
        scrambled(FLOWS[name](), (None, 2), scale=0.2).distribution().log_prob(grid).numpy().astype("float64")
    )
    # What lies outside of the grid, and the sum for the integral: the density is a few cells wide at least.
    assert density.sum() * (side[1] - side[0]) ** 2 == pytest.approx(1, abs=1e-2)


@pytest.mark.parametrize("name", FLOWS)
def test_portable_samples_of_a_flow_are_the_images_of_portable_noise(name):
    prior = scrambled(FLOWS[name](), (None, 3))
    z = prior.sample(SEEDS[:50], ROWS[:50])
    noise = random.normal(SEEDS[:50], ROWS[:50], 3)
    np.testing.assert_allclose(z, prior.forward(noise)[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(prior.inverse(z)[0], noise, atol=1e-4)


@pytest.mark.parametrize("name", FLOWS)
def test_flow_starts_near_the_standard_normal_and_every_weight_gets_a_gradient(name):
    prior = FLOWS[name]()
    prior.build((None, 3))
    z = tf.constant(np.random.default_rng(2).normal(size=(2000, 3)), tf.float32)
    lost = stats.norm.logpdf(z).sum(axis=1) - prior.distribution().log_prob(z)
    # The KL divergence, in nats: 0.19 at most for these, with an error of the mean of 0.02.
    assert -0.04 < np.mean(lost) < 0.4
    scrambled(prior, (None, 3))
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(prior.distribution().log_prob(z))
    assert all(gradient is not None for gradient in tape.gradient(loss, prior.trainable_variables))


def two_dimensional_codes(name, num, rng):
    """Codes whose normal approximation is a saddle of the likelihood of a flow with odd networks."""
    signs = rng.choice([-1.0, 1.0], size=[num, 2])
    angles = rng.uniform(0, 2 * np.pi, num)
    return {
        "clusters_on_the_diagonal": lambda: rng.normal(size=[num, 2]) + 2 * signs[:, :1],
        "clusters_on_an_axis": lambda: rng.normal(size=[num, 2]) + [np.sqrt(8), 0] * signs,
        "ring": lambda: 3 * np.stack([np.cos(angles), np.sin(angles)], 1) + 0.3 * rng.normal(size=[num, 2]),
        "four_clusters": lambda: 0.5 * rng.normal(size=[num, 2]) + 2 * signs,
    }[name]()


# Nats by which the flow must exceed the normal density: a third of what the true density has or more.
GAINS = {"ring": 0.4, "clusters_on_the_diagonal": 0.15, "clusters_on_an_axis": 0.15, "four_clusters": 0.5}


@pytest.mark.slow
@pytest.mark.parametrize("codes", GAINS)
@pytest.mark.parametrize("name", FLOWS)
def test_training_leaves_the_saddle_at_the_normal_density(name, codes):
    rng = np.random.default_rng(0)
    train, test = (two_dimensional_codes(codes, num, rng) for num in (2000, 2000))
    sampler = latents.samplers.FlowSampler(name, epochs=60, learning_rate=0.003)
    sampler.fit(train, verbose=False)
    normal = stats.multivariate_normal(train.mean(axis=0), np.cov(train.T)).logpdf(test)
    gain = np.mean(sampler.distribution().log_prob(test.astype("float32")) - normal)
    assert gain > GAINS[codes], gain


@pytest.mark.parametrize("name", FLOWS)
def test_a_ring_has_a_gradient_away_from_the_normal_density(name):
    """Not with odd networks, because the ring is its own mirror image in both axes."""
    angles = (np.arange(40) + 0.5) * np.pi / 20
    codes = tf.constant(np.sqrt(2) * np.stack([np.cos(angles), np.sin(angles)], axis=1), tf.float32)
    prior = FLOWS[name]()
    prior.build((None, 2))
    if name == "real_nvp":
        biases = [layer.bias for coupling in prior.couplings for layer in coupling.layers]
        last = [coupling.last.kernel for coupling in prior.couplings]
    else:
        biases = [bias for network in prior.flow.networks for bias in network.biases[:-1]]
        last = [network.kernels[-1] for network in prior.flow.networks]
    for kernel in last:
        kernel.assign(tf.zeros_like(kernel))  # the identity

    def largest_gradient():
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(prior.distribution().log_prob(codes))
        gradients = tape.gradient(loss, [kernel.value for kernel in last])
        return max(float(tf.reduce_max(tf.abs(gradient))) for gradient in gradients)

    assert largest_gradient() > 0.01
    for bias in biases:
        bias.assign(tf.zeros_like(bias))
    assert largest_gradient() < 1e-5  # rounding


def test_every_value_is_changed_by_couplings_and_every_pair_meets():
    """All values of z depend on all values of e."""
    prior = scrambled(latents.RealNVP(), (None, 7))
    noise = tf.constant(np.random.default_rng(3).normal(size=(1, 7)), tf.float32)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(noise)
        z, _ = prior.forward(noise)
    assert (np.abs(tape.batch_jacobian(z, noise, experimental_use_pfor=False)) > 0).all()


@pytest.fixture
def conditional():
    return scrambled(latents.ConditionalNormal([5]), [(None, 3), (None, 4)])


CONTEXT = np.random.default_rng(4).normal(size=(6, 4)).astype("float32")


def test_conditional_normal_equals_scipy(conditional):
    kernels = [w.numpy().astype("float64") for w in conditional.weights]
    hidden = np.maximum(CONTEXT @ kernels[0] + kernels[1], 0)
    loc, raw = np.split(hidden @ kernels[2] + kernels[3], 2, axis=1)
    scale = np.logaddexp(0, raw + 0.5413) + 1e-5
    z = np.random.default_rng(5).normal(size=(2, 6, 3)).astype("float32")
    p = conditional.distribution(CONTEXT)
    np.testing.assert_allclose(p.log_prob(z), stats.norm(loc, scale).logpdf(z).sum(axis=-1), rtol=1e-4, atol=1e-4)
    codes = conditional.sample(SEEDS[:6], ROWS[:6], CONTEXT)
    np.testing.assert_allclose(codes, loc + scale * random.normal(SEEDS[:6], ROWS[:6], 3), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("posterior", [latents.DiagonalNormal, latents.FullCovarianceNormal])
def test_kl_to_the_conditional_normal_meets_the_closed_form(conditional, posterior):
    layer = posterior(latent_dim=3)
    layer.build((None, 4))
    q = layer.distribution(np.random.default_rng(6).normal(size=(6, layer.output_size())).astype("float32"))
    p = conditional.distribution(CONTEXT)
    mean, loc, scale = (v.numpy().astype("float64") for v in (q.mean(), p.mean(), p.stddev()))
    covariance = np.stack([np.diag(s**2) for s in q.stddev().numpy()]) if posterior is latents.DiagonalNormal else None
    covariance = q.covariance().numpy() if covariance is None else covariance
    trace = (np.diagonal(covariance, axis1=1, axis2=2) / scale**2).sum(axis=1)
    distance = ((mean - loc) ** 2 / scale**2).sum(axis=1)
    determinants = 2 * np.log(scale).sum(axis=1) - np.linalg.slogdet(covariance.astype("float64"))[1]
    np.testing.assert_allclose(
        tfp.distributions.kl_divergence(q, p), 0.5 * (trace + distance - 3 + determinants), rtol=1e-4
    )


def test_conditional_normal_starts_as_the_standard_normal():
    prior = latents.ConditionalNormal()
    prior.build([(None, 3), (None, 4)])
    np.testing.assert_allclose(prior.distribution(CONTEXT).stddev(), 1, atol=1e-4)
    np.testing.assert_array_equal(prior.distribution(CONTEXT).mean(), np.zeros([6, 3]))


def test_conditional_normal_learns_mean_and_deviation_of_each_class():
    rng = np.random.default_rng(7)
    labels = rng.integers(0, 3, 3000)
    z = (rng.normal(size=(3000, 2)) * [0.5, 2.0] + np.array([[-1, 0], [0, 1], [2, 3]])[labels]).astype("float32")
    context = kae.Categorical(3)(labels)
    prior = latents.ConditionalNormal(())
    prior.build([(None, 2), (None, 3)])

    @tf.function
    def gradients():
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(prior.distribution(context).log_prob(z))
        return tape.gradient(loss, prior.trainable_variables)

    for _ in range(400):
        for variable, gradient in zip(prior.trainable_variables, gradients(), strict=True):
            variable.assign_sub(0.1 * gradient)
    p = prior.distribution(kae.Categorical(3)(np.arange(3)))
    for label in range(3):
        np.testing.assert_allclose(p.mean()[label], z[labels == label].mean(axis=0), atol=0.02)
        np.testing.assert_allclose(p.stddev()[label], z[labels == label].std(axis=0), rtol=0.02)


def test_conditional_prior_needs_a_condition():
    with pytest.raises(ValueError, match=r"`prior` ConditionalNormal needs a condition\. Received: condition=None"):
        kae.models.VAE(prior="conditional_normal")
    model = kae.models.ConditionalVAE(latent_dim=2, prior="conditional_normal", condition=kae.Categorical(3))
    model.build((None, 4))
    with pytest.raises(ValueError, match="`condition` must be given, because ConditionalNormal"):
        model.prior()
    assert model.prior([0, 2]).batch_shape == (2,)


def vamp_model(posterior="diagonal_normal", components=7, condition=None, dim=2):
    model = kae.Autoencoder(
        kae.networks.MLP([6]),
        kae.networks.MLP([5]),
        latent_dim=dim,
        posterior=posterior,
        prior=latents.VampPrior(components),
        condition=condition,
    )
    model.build((None, 3, 2, 1))
    rng = np.random.default_rng(8)
    model.set_weights([rng.normal(size=w.shape, scale=0.5) for w in model.get_weights()])
    return model


def test_vamp_prior_of_the_data_is_the_aggregate_posterior():
    model = vamp_model()
    x = np.random.default_rng(9).random((7, 3, 2, 1)).astype("float32")
    model.prior_layer.pseudo_inputs.assign(x)
    z = np.random.default_rng(10).normal(size=(20, 2)).astype("float32")
    q = model.posterior(x)
    each = stats.norm(q.mean(), q.stddev()).logpdf(z[:, np.newaxis]).sum(axis=-1)  # [20, 7]
    expected = special.logsumexp(each, axis=1) - np.log(7)
    np.testing.assert_allclose(model.prior().log_prob(z), expected, rtol=1e-4, atol=1e-4)


def test_vamp_prior_of_a_conditional_model_has_features_of_its_own():
    model = vamp_model(condition=kae.Categorical(3))
    labels, x = np.arange(7) % 3, np.random.default_rng(9).random((7, 3, 2, 1)).astype("float32")
    model.prior_layer.pseudo_inputs.assign(x)
    model.prior_layer.pseudo_context.assign(kae.Categorical(3)(labels))
    z = np.random.default_rng(10).normal(size=(20, 2)).astype("float32")
    q = model.posterior(x, labels)
    expected = special.logsumexp(q.log_prob(z[:, np.newaxis]), axis=1) - np.log(7)
    np.testing.assert_allclose(model.prior(0).log_prob(z), expected, rtol=1e-4, atol=1e-4)


def test_vamp_samples_follow_its_density():
    model = vamp_model(components=3)
    q = model.posterior(np.clip(model.prior_layer.pseudo_inputs.numpy(), 0, 1))
    model.prior_layer.pseudo_inputs.assign(np.clip(model.prior_layer.pseudo_inputs.numpy(), 0, 1))
    z = model.prior_layer.sample(SEEDS, ROWS).numpy()
    for axis in range(2):
        loc, scale = q.mean().numpy()[:, axis], q.stddev().numpy()[:, axis]

        def cdf(v, loc=loc, scale=scale):
            return np.mean([stats.norm(m, s).cdf(v) for m, s in zip(loc, scale, strict=True)], axis=0)

        assert stats.kstest(z[:, axis], cdf).pvalue > 1e-3


def test_vamp_prior_owns_its_pseudo_inputs_alone_and_lends_the_encoder_gradients():
    model = vamp_model()
    assert [w.shape for w in model.prior_layer.weights] == [(7, 3, 2, 1)]
    assert len({id(w) for w in model.weights}) == len(model.weights) == 9  # of four dense layers, and one
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(model.prior().log_prob(tf.ones([4, 2])))
    variables = [*model.prior_layer.trainable_variables, *model.encoder.trainable_variables]
    assert all(gradient is not None for gradient in tape.gradient(loss, variables))


def test_vamp_prior_serves_one_model_alone():
    prior = vamp_model().prior_layer
    with pytest.raises(ValueError, match="VampPrior must not be shared by two models"):
        kae.Autoencoder(latent_dim=2, prior=prior).build((None, 3, 2, 1))
    with pytest.raises(ValueError, match="make it part of a model"):
        latents.VampPrior(3).distribution()


@pytest.mark.parametrize("posterior", ["deterministic", "relaxed_categorical"])
def test_vamp_prior_needs_a_posterior_to_draw_from(posterior):
    objective = "reconstruction" if posterior == "deterministic" else "elbo"
    with pytest.raises(ValueError, match="`prior` VampPrior needs a posterior whose codes have a density"):
        kae.Autoencoder(latent_dim=10, posterior=posterior, prior="vamp", objective=objective)


@pytest.mark.parametrize("name", ["diagonal_normal", "full_covariance_normal", "inverse_autoregressive_flow"])
def test_portable_draws_of_a_posterior_follow_it(name):
    """Taken back to the noise they came from, they are standard normal numbers, value by value and in pairs."""
    layer = latents.posteriors.get(name)
    layer.set_latent_dim(2)
    scrambled(layer, (None, 4), scale=0.3)
    params = tf.repeat(layer(np.ones([1, 4], "float32")), 20000, axis=0)
    z = layer.draw(params, SEEDS, ROWS)
    q = layer.distribution(params)
    if name == "inverse_autoregressive_flow":
        z, q = q.inverse(z, q.context)[0], q.base
    factor = q.scale_tril[0] if name == "full_covariance_normal" else np.diag(q.stddev()[0])
    noise = np.linalg.solve(factor, (z - q.mean()).numpy().T)
    for each in (noise[0], noise[1], noise.sum(axis=0) / np.sqrt(2)):
        assert stats.kstest(each, "norm").pvalue > 1e-3


@pytest.mark.parametrize("dim", [2, 3, 4])
def test_portable_draws_on_the_sphere_follow_the_posterior(dim):
    layer = latents.PowerSpherical()
    layer.set_latent_dim(dim)
    layer.build((None, 4))
    params = tf.tile(tf.constant([[*range(1, dim + 1), 3.0]], tf.float32), [20000, 1])
    along = tf.reduce_sum(layer.draw(params, SEEDS, ROWS) * layer.mean(params), axis=-1)
    half, concentration = (dim - 1) / 2, float(layer.distribution(params).concentration[0])
    assert stats.kstest((1 + along) / 2, stats.beta(half + concentration, half).cdf).pvalue > 1e-3
