"""MIWAE, CIWAE and PIWAE against each other, the ELBO and IWAE, in value and in gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ae as kae
from keras_ae.objectives import CIWAE, ELBO, IWAE, MIWAE, PIWAE
from keras_ae.step_context import StepContext

SEED = tf.constant([3, 4], tf.int32)
X = np.random.default_rng(1).normal(size=(6, 5)).astype("float32")


@pytest.fixture(params=["diagonal_normal", "inverse_autoregressive_flow"])
def posterior(request):
    return request.param


def step(posterior, objective, jit_compile=False):
    """Terms, and the gradients of the mean loss for the encoder's weights and for the others: two lists."""
    network = kae.networks.MLP
    arguments = {"latent_dim": 2, "likelihood": "normal", "prior": kae.latents.NormalMixture(3)}
    model = kae.models.VAE(network([4]), network([3]), posterior=posterior, objective=objective, **arguments)
    model.build((None, 5))
    rng = np.random.default_rng(4)
    model.set_weights([rng.normal(size=w.shape, scale=0.5) for w in model.get_weights()])
    inferring = [*model.encoder.trainable_variables, *model.posterior_layer.trainable_variables]
    theirs = (model.decoder, model.likelihood_layer, model.prior_layer)
    generating = [variable for part in theirs for variable in part.trainable_variables]

    def run():
        with tf.GradientTape() as tape:
            terms = model.terms(X, None, StepContext(SEED, training=True))
            loss = tf.reduce_mean(terms["loss"])
        return terms, *tape.gradient(loss, [inferring, generating])

    return tf.function(run, jit_compile=True)() if jit_compile else run()


def assert_equal(found, expected):
    for a, b in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)  # the same sums in another order


@pytest.mark.parametrize(
    "objective, same",
    [
        (MIWAE(1, 6), IWAE(6)),
        (MIWAE(6, 1), ELBO(num_samples=6, kl="monte_carlo")),
        (CIWAE(0.0, 6), IWAE(6)),
        (CIWAE(1.0, 6), ELBO(num_samples=6, kl="monte_carlo")),
        (PIWAE(1, 6), IWAE(6)),
    ],
    ids=["MIWAE-IWAE", "MIWAE-ELBO", "CIWAE-IWAE", "CIWAE-ELBO", "PIWAE-IWAE"],
)
def test_limiting_cases(posterior, objective, same):
    assert_equal(step(posterior, objective), step(posterior, same))


@pytest.mark.slow
@pytest.mark.parametrize("jit_compile", [False, True])
def test_decoder_and_prior_of_piwae_learn_as_in_iwae_and_the_encoder_as_in_miwae(posterior, jit_compile):
    (terms, inferring, generating), iwae, miwae = (
        step(posterior, objective, jit_compile) for objective in (PIWAE(3, 4), IWAE(12), MIWAE(3, 4))
    )
    assert_equal(terms, iwae[0])
    assert_equal(generating, iwae[2])
    assert_equal(inferring, miwae[1])
    # The two differ, so that it matters which is which.
    assert max(np.abs(a - b).max() for a, b in zip(iwae[1], miwae[1], strict=True)) > 0.01
    assert max(np.abs(a - b).max() for a, b in zip(iwae[2], miwae[2], strict=True)) > 0.01


def test_ciwae_is_the_mean_of_its_two_bounds(posterior):
    (ciwae, *gradients), elbo, iwae = (
        step(posterior, each) for each in (CIWAE(0.3, 6), ELBO(num_samples=6, kl="monte_carlo"), IWAE(6))
    )
    assert_equal(ciwae["loss"], 0.3 * elbo[0]["loss"] + 0.7 * iwae[0]["loss"])
    mixed = tf.nest.map_structure(lambda a, b: 0.3 * a + 0.7 * b, list(elbo[1:]), list(iwae[1:]))
    assert_equal(gradients, mixed)


def test_more_samples_in_a_bound_make_it_tighter(posterior):
    """By Jensen's inequality, for the same samples, however they are cut into groups."""
    losses = [step(posterior, MIWAE(num, 12 // num))[0]["loss"].numpy() for num in (12, 4, 2, 1)]
    assert (np.diff(losses, axis=0) < 0).all()


@pytest.mark.parametrize(
    "objective",
    [
        IWAE(3, estimator="sticking_the_landing"),
        MIWAE(3, 4, estimator="doubly_reparameterized"),
        CIWAE(0.2, 5, estimator="doubly_reparameterized"),
        PIWAE(3, 4),
    ],
    ids=lambda each: type(each).__name__,
)
def test_config_round_trip(objective):
    config = keras.saving.serialize_keras_object(objective)
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(objective) and again.get_config() == objective.get_config()


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: MIWAE(0, 3), "`num_groups` must be a positive integer"),
        (lambda: PIWAE(2, 0), "`num_samples` must be a positive integer"),
        (lambda: PIWAE(1.5, 2), "`num_groups` must be a positive integer"),
        (lambda: CIWAE(1.5), r"`beta` must be in \[0, 1\]\. Received: beta=1.5"),
        (lambda: CIWAE(-0.1), r"`beta` must be in \[0, 1\]"),
        (lambda: CIWAE(float("nan")), r"`beta` must be in \[0, 1\]"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
