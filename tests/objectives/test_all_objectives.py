"""What holds for every objective with a statistic of the batch, a random part or a gradient inside."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiers import first

import keras_ae as kae
from keras_ae import objectives
from keras_ae.latents import Deterministic
from keras_ae.step_context import StepContext

SEED = tf.constant([3, 4], tf.int32)
X = np.random.default_rng(0).random((6, 5)).astype("float32")
POINT = {"posterior": "deterministic", "prior": None}
CASES = {
    "denoising with salt and pepper": (lambda: objectives.Denoising("salt_and_pepper"), POINT),
    "denoising with noise": (lambda: objectives.Denoising("normal", support=(0, 1)), POINT),
    "sparse": (objectives.Sparse, {**POINT, "posterior": lambda: Deterministic(activation="sigmoid")}),
    "contractive": (lambda: objectives.Contractive(num_projections=None), POINT),
    "contractive by projection": (lambda: objectives.Contractive(num_projections=2), POINT),
    "regularized by its weights": (objectives.Regularized, POINT),
    "regularized by its gradient": (lambda: objectives.Regularized("gradient"), POINT),
    "total correlation": (lambda: objectives.TotalCorrelation(60), {}),
    "total correlation, weighted": (lambda: objectives.TotalCorrelation(60, sampling="weighted"), {}),
    "disentangled inferred prior": (lambda: objectives.DisentangledInferredPrior("II"), {}),
    "discrepancy of points": (objectives.MaximumMeanDiscrepancy, {"posterior": "deterministic"}),
    "discrepancy with a rate": (lambda: objectives.MaximumMeanDiscrepancy(alpha=0.5, kernel="rbf"), {}),
}

# The others differ from what the conformance suite compiles in simple operations alone.
COMPILED = ["contractive", "total correlation, weighted", "regularized by its gradient", "discrepancy with a rate"]


def make(name):
    objective, parts = CASES[name]
    parts = {key: value() if callable(value) else value for key, value in parts.items()}
    network = kae.networks.MLP
    model = kae.Autoencoder(network([8]), network([8]), latent_dim=2, objective=objective(), **parts)
    model.build((None, 5))
    return model


@pytest.mark.parametrize("name", first(1, COMPILED))
def test_terms_and_gradients_of_a_loop_compiled_by_xla(name):
    model = make(name)
    weight = tf.constant([1.0, 0.5, 1.0, 2.0, 0.0, 0.0])
    variables = [variable.value for variable in model.trainable_variables]

    @tf.function(jit_compile=True, autograph=False)
    def run():
        def body(i, terms, slopes):
            with tf.GradientTape() as tape:
                terms = model.terms(X, None, StepContext(SEED + i, training=True, step=i, weight=weight))
                loss = tf.reduce_mean(weight * terms["loss"])
            return i + 1, terms, [tf.convert_to_tensor(slope) for slope in tape.gradient(loss, variables)]

        terms = {name: tf.zeros([6]) for name in ("loss", *model.objective.terms)}
        return tf.while_loop(lambda i, *_: i < 2, body, (tf.constant(0), terms, [tf.zeros(v.shape) for v in variables]))

    _, terms, slopes = run()
    assert all(np.isfinite(values).all() for values in terms.values())
    for variable, slope in zip(model.trainable_variables, slopes, strict=True):
        assert np.isfinite(slope).all() and np.any(slope), variable.path


@pytest.mark.bfloat16
@pytest.mark.parametrize("name", CASES)
def test_terms_are_float32_in_mixed_precision(name):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = make(name)
        with tf.GradientTape() as tape:
            terms = model.terms(X, None, StepContext(SEED, training=True))
            loss = tf.reduce_mean(terms["loss"])
        slopes = tape.gradient(loss, model.trainable_variables)
    finally:
        keras.config.set_dtype_policy("float32")
    assert set(terms) == {"loss", *model.objective.terms}
    for values in terms.values():
        assert values.dtype == tf.float32 and values.shape == (6,) and np.isfinite(values).all()
    assert all(np.isfinite(slope).all() for slope in slopes)


@pytest.mark.parametrize("name", CASES)
def test_config_round_trip(name):
    objective = CASES[name][0]()
    assert type(objective).from_config(objective.get_config()).get_config() == objective.get_config()


@pytest.mark.parametrize("name", CASES)
def test_terms_follow_the_seed(name):
    model = make(name)

    def loss(seed):
        return model.terms(X, None, StepContext(tf.constant(seed), training=True))["loss"]

    np.testing.assert_array_equal(loss([1, 2]), loss([1, 2]))
    if name not in ("sparse", "contractive", "regularized by its weights"):  # without noise
        assert np.abs(loss([1, 2]) - loss([1, 3])).max() > 1e-4
