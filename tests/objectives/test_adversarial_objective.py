"""Objectives with a discriminator: who learns from what, and what they estimate."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import keras_ae as kae
from keras_ae.objectives import AdversarialMatching, AdversarialTotalCorrelation, LearnedSimilarity
from keras_ae.objectives.adversarial_objective import prior_codes
from keras_ae.step_context import StepContext

tfd = tfp.distributions
SEED = tf.constant([3, 4], tf.int32)
X = np.random.default_rng(1).random((7, 5)).astype("float32")
OBJECTIVES = {
    "total_correlation": lambda **arguments: AdversarialTotalCorrelation(2.0, **arguments),
    "matching": lambda **arguments: AdversarialMatching(3.0, **arguments),
    "similarity": lambda **arguments: LearnedSimilarity(0.3, feature_scale=0.7, **arguments),
}


def made(name, discriminator=None, **parts):
    """A small model with every weight at random."""
    network = kae.networks.MLP
    objective = OBJECTIVES[name](discriminator=discriminator or network([6], activation="tanh"))
    model = kae.Autoencoder(network([6]), network([5]), latent_dim=3, objective=objective, **parts)
    model.build((None, 5))
    rng = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(rng.normal(size=weight.shape, scale=0.5))
    return model


def sides(model):
    """The weights of the model and those of the discriminator."""
    theirs = {id(variable) for variable in model.objective.discriminator.variables}
    return [v for v in model.trainable_variables if id(v) not in theirs], model.objective.discriminator.variables


def terms_of(model, **arguments):
    return model.terms(tf.constant(X), None, StepContext(SEED, training=True, **arguments))


@pytest.mark.parametrize("name", OBJECTIVES)
def test_neither_side_has_a_gradient_from_the_loss_of_the_other(name):
    model = made(name)
    own, theirs = sides(model)
    with tf.GradientTape(persistent=True) as tape:
        means = {key: tf.reduce_mean(values) for key, values in terms_of(model).items()}
    assert set(means) == {"loss", *model.objective.terms}
    for key, mean in means.items():
        if key != "discriminator":
            assert all(gradient is None for gradient in tape.gradient(mean, theirs)), key
    assert all(np.any(gradient) for gradient in tape.gradient(means["loss"], own))
    assert all(np.any(gradient) for gradient in tape.gradient(means["discriminator"], theirs))
    assert all(gradient is None for gradient in tape.gradient(means["discriminator"], own))


@pytest.mark.parametrize("name", OBJECTIVES)
def test_one_backward_pass_gives_both_sides_their_gradients(name):
    model = made(name)
    own, theirs = sides(model)
    with tf.GradientTape(persistent=True) as tape:
        means = {key: tf.reduce_mean(values) for key, values in terms_of(model).items()}
        total = means["loss"] + means["discriminator"]
    for variables, key in ((own, "loss"), (theirs, "discriminator")):
        for one, alone in zip(tape.gradient(total, variables), tape.gradient(means[key], variables), strict=True):
            np.testing.assert_allclose(one, alone, rtol=1e-5, atol=1e-6)  # the sums are in an order of their own


@pytest.mark.slow
def test_gradients_are_finite_under_xla_with_rows_that_do_not_count():
    """The conformance tests compile the other objectives too."""
    model = made("total_correlation")
    weight = tf.constant([1.0, 0.0, 1.0, 2.0, 1.0, 0.0, 0.0])

    @tf.function(jit_compile=True)
    def gradients():
        with tf.GradientTape() as tape:
            terms = terms_of(model, weight=weight)
            total = tf.reduce_mean(terms["loss"] + terms["discriminator"])
        return tape.gradient(total, model.trainable_variables), terms

    found, terms = gradients()
    assert all(np.isfinite(gradient).all() and np.any(gradient) for gradient in found)
    assert all(values.dtype == tf.float32 and values.shape == (7,) for values in terms.values())


# Total correlation.


def test_without_its_weight_the_total_correlation_leaves_the_elbo():
    model = made("total_correlation")
    terms = terms_of(model)
    expected = terms["kl"] + terms["reconstruction"] + 2.0 * terms["total_correlation"]
    np.testing.assert_allclose(terms["loss"], expected, rtol=1e-5)
    model.objective.gamma = 0.0
    without = terms_of(model)

    def likelihood(z):
        return model.likelihood_layer.distribution(model.likelihood_params(z))

    elbo = kae.objectives.ELBO().call(X, model.posterior, model.prior(), likelihood, StepContext(SEED))
    for key, values in elbo.items():
        np.testing.assert_allclose(without[key], values, rtol=1e-5)


# Matching.


@pytest.mark.parametrize("posterior", ["deterministic", "diagonal_normal"])
def test_matching_equals_numpy(posterior):
    model = made("matching", posterior=posterior)
    terms = terms_of(model)
    z = model.posterior(X).sample(seed=SEED)
    drawn = prior_codes(model.prior(), 7, tfp.random.split_seed(SEED)[0])
    kernel, bias, head, offset = (w.numpy().astype("float64") for w in model.objective.discriminator.weights)
    given, real = (np.tanh(codes @ kernel + bias) @ head[:, 0] + offset for codes in (z.numpy(), drawn.numpy()))
    np.testing.assert_allclose(terms["matching"], np.logaddexp(0, -given), rtol=1e-4)
    told = 0.5 * (np.logaddexp(0, -real) + np.logaddexp(0, given))
    np.testing.assert_allclose(terms["discriminator"], told, rtol=1e-4)
    reconstruction = -model.likelihood(z).log_prob(X)
    np.testing.assert_allclose(terms["reconstruction"], reconstruction, rtol=1e-5)
    np.testing.assert_allclose(terms["loss"], reconstruction + 3.0 * np.logaddexp(0, -given), rtol=1e-4)


class Squares(keras.layers.Layer):
    """The logit that says how far codes are from 0 is linear in these."""

    def call(self, z):
        return tf.square(z)


def test_the_matching_gradient_draws_codes_to_where_the_prior_is():
    """A discriminator that knows that codes should be near 0 makes an encoder of large codes give smaller ones."""
    objective = AdversarialMatching(discriminator=Squares())
    objective.build([(None, 2), (None, 2)])
    objective.discriminator.head.set_weights([np.array([[-1.0], [-1.0]]), np.array([1.0])])
    codes = tf.Variable([[2.0, -3.0], [0.1, 0.2]])
    flat = tfd.Independent(tfd.Normal([0.0, 0.0], 1.0), 1)
    with tf.GradientTape() as tape:
        terms = objective.call(
            codes, lambda x: tfd.VectorDeterministic(x + 0.0), flat, lambda z: flat, StepContext(SEED)
        )
        loss = tf.reduce_sum(terms["matching"])
    gradient = tape.gradient(loss, codes).numpy()
    logits = 1 - (codes.numpy() ** 2).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(gradient, 2 * codes.numpy() / (1 + np.exp(logits)), rtol=1e-5)


def test_draws_of_a_prior_that_knows_the_condition_are_one_a_row():
    context = tf.constant([[-50.0], [50.0]])
    prior = kae.latents.ConditionalNormal(())
    prior.build([(None, 2), (None, 1)])
    prior.last.kernel.assign([[1.0, 1.0, 0.0, 0.0]])
    np.testing.assert_allclose(prior_codes(prior.distribution(context), 2, SEED)[:, 0], [-50, 50], atol=6)


# Learned similarity.


def reference(model):
    """The gradients of algorithm 1, each from a tape of its own: (encoder's side, decoder's side, discriminator's)."""
    tell = model.objective.discriminator
    drawn = prior_codes(model.prior(), 7, tfp.random.split_seed(SEED)[0])
    decoder = [*model.decoder.trainable_variables, *model.likelihood_layer.trainable_variables]
    encoder = [*model.encoder.trainable_variables, *model.posterior_layer.trainable_variables]
    with tf.GradientTape(persistent=True) as tape:
        q = model.posterior_layer.distribution(model.posterior_params(X))
        kl = tfd.kl_divergence(q, model.prior())
        pictures, fakes = (
            model.likelihood_layer.distribution(model.likelihood_params(z)).mean() for z in (q.sample(seed=SEED), drawn)
        )
        (features, real), (given, told), (_, fooled) = tell(X), tell(pictures), tell(fakes)
        error = tf.reduce_mean(0.5 * tf.reduce_sum((features - given) ** 2, axis=-1)) / 0.7**2
        first = tf.reduce_mean(kl) + error
        generator = tf.reduce_mean(-tf.math.log_sigmoid(told) - tf.math.log_sigmoid(fooled))
        losses = [-tf.math.log_sigmoid(real), -tf.math.log_sigmoid(-told), -tf.math.log_sigmoid(-fooled)]
        told_apart = tf.reduce_mean(tf.add_n(losses))
    terms = {"kl": kl, "feature_error": error, "generator": generator, "discriminator": told_apart}
    second = [
        0.3 * a + b for a, b in zip(tape.gradient(error, decoder), tape.gradient(generator, decoder), strict=True)
    ]
    gradients = tape.gradient(first, encoder), second, tape.gradient(told_apart, tell.trainable_variables)
    return (encoder, decoder, tell.trainable_variables), gradients, terms


def test_learned_similarity_routes_the_gradients_as_the_paper_does():
    model = made("similarity")
    variables, expected, means = reference(model)
    with tf.GradientTape() as tape:
        terms = terms_of(model)
        total = tf.reduce_mean(terms["loss"] + terms["discriminator"])
    for side, wanted, found in zip(("encoder", "decoder", "D"), expected, tape.gradient(total, variables), strict=True):
        for a, b in zip(wanted, found, strict=True):
            np.testing.assert_allclose(b, a, rtol=1e-3, atol=1e-5, err_msg=side)  # sums in another order
    for key, mean in means.items():
        np.testing.assert_allclose(tf.reduce_mean(terms[key]), tf.reduce_mean(mean), rtol=1e-4)
    total = terms["kl"] + terms["feature_error"] + terms["generator"]
    np.testing.assert_allclose(terms["loss"], total, rtol=1e-5)
    z = model.posterior(X).sample(seed=SEED)
    np.testing.assert_allclose(terms["reconstruction"], -model.likelihood(z).log_prob(X), rtol=1e-5)


# Discriminators.


def test_convolutions_and_layers_of_the_users_own_tell_images_apart():
    own = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(4), keras.layers.BatchNormalization()])
    for network in ("conv", "mlp", kae.networks.ConvEncoder([4]), own):
        model = kae.Autoencoder(latent_dim=2, objective=LearnedSimilarity(discriminator=network))
        model.build((None, 6, 5, 2))
        terms = model.terms(tf.zeros([3, 6, 5, 2]), None, StepContext(SEED, training=True))
        assert all(values.shape == (3,) for values in terms.values())


def test_a_frozen_call_equals_a_call_and_changes_nothing():
    network = keras.Sequential([keras.layers.Dense(4), keras.layers.BatchNormalization()])
    layer = kae.networks.Discriminator(network)
    layer.build((None, 5))
    before = [weight.numpy() for weight in layer.weights]
    frozen = layer.frozen(tf.constant(X), training=True)
    for weight, value in zip(layer.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)
    for a, b in zip(frozen, layer(X, training=True), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert any(np.any(weight != value) for weight, value in zip(layer.weights, before, strict=True))


@pytest.mark.parametrize("name", OBJECTIVES)
def test_config_round_trip(name):
    objective = OBJECTIVES[name](discriminator=kae.networks.MLP([9, 7]))
    again = type(objective).from_config(objective.get_config())
    assert again.get_config() == objective.get_config()
    assert again.discriminator.network.hidden == (9, 7)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: AdversarialTotalCorrelation(-1.0), "`gamma` must be a finite number >= 0, or a schedule"),
        (lambda: AdversarialTotalCorrelation(num_samples=0), "`num_samples` must be a positive integer"),
        (lambda: AdversarialMatching(-1.0), "`matching_weight` must be a finite number >= 0, or a schedule"),
        (lambda: LearnedSimilarity(0.0), "`gamma` must be a positive number. Received: gamma=0"),
        (lambda: LearnedSimilarity(feature_scale=True), "`feature_scale` must be a positive number."),
        (lambda: AdversarialMatching(discriminator="mpl"), "`discriminator` must be one of .* Did you mean 'mlp'"),
        (lambda: AdversarialMatching(discriminator=None), "`discriminator` must be a name or a Keras layer"),
    ],
)
def test_arguments_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_discriminator_of_another_shape_is_refused():
    with pytest.raises(
        ValueError, match=r"`discriminator` must take inputs of shape \(None, 3\).*takes sequences .* images"
    ):
        made("matching", discriminator="conv")


def test_a_point_has_no_total_correlation_to_weigh():
    with pytest.raises(ValueError, match="needs a prior and a posterior with a density"):
        kae.models.FactorVAE(posterior="deterministic")


def test_a_prior_that_would_not_learn_has_to_be_meant_so():
    with pytest.raises(ValueError, match=r"would never be trained.*Use NormalMixture\(\.\.\., trainable=False\)"):
        kae.models.AdversarialAE(prior="normal_mixture")
    prior = kae.latents.NormalMixture(3, trainable=False)
    model = kae.models.AdversarialAE(latent_dim=2, prior=prior)
    again = type(model).from_config(model.get_config())
    assert not again.prior_layer.trainable
