"""The total correlation that a discriminator finds, and the shuffled codes that it learns from."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae.objectives import AdversarialTotalCorrelation, permute_dims
from keras_ae.step_context import StepContext

tfd = tfp.distributions
SEED = tf.constant([3, 4], tf.int32)


class Quadratic(keras.layers.Layer):
    """z_1^2, z_2^2 and z_1 z_2: the logit that tells two normal distributions apart is linear in these."""

    def call(self, z):
        return tf.stack([z[:, 0] ** 2, z[:, 1] ** 2, z[:, 0] * z[:, 1]], axis=-1)


CORRELATION = 0.8
EXACT = -0.5 * np.log(1 - CORRELATION**2)  # the total correlation of two normal values


def correlated(num):
    """An objective with a quadratic discriminator, and its terms for codes that are correlated normal values."""
    rng = np.random.default_rng(2)
    z = rng.multivariate_normal([0, 0], [[1, CORRELATION], [CORRELATION, 1]], num).astype("float32")
    objective = AdversarialTotalCorrelation(discriminator=Quadratic())
    objective.build([(None, 2), (None, 2)])

    def terms(seed):
        def posterior(x):
            return tfd.Independent(tfd.Normal(x, 1e-4), 1)

        prior = tfd.Independent(tfd.Normal([0.0, 0.0], 1.0), 1)
        return objective.call(z, posterior, prior, posterior, StepContext(seed, training=True))

    return objective, terms


def test_with_the_optimal_discriminator_the_total_correlation_is_the_closed_form():
    objective, terms = correlated(20_000)
    inverse = np.linalg.inv([[1, CORRELATION], [CORRELATION, 1]])
    kernel = [[0.5 * (1 - inverse[0, 0])], [0.5 * (1 - inverse[1, 1])], [-inverse[0, 1]]]
    objective.discriminator.head.set_weights([np.array(kernel), np.array([EXACT])])
    estimate = tf.reduce_mean(terms(SEED)["total_correlation"])
    assert float(estimate) == pytest.approx(EXACT, abs=0.03)  # its standard deviation, 0.8, over the root of 20,000


@pytest.mark.slow
def test_a_discriminator_that_learned_finds_the_total_correlation():
    objective, terms = correlated(2000)
    objective.discriminator.head.set_weights([np.zeros([3, 1]), np.zeros([1])])
    first = terms(SEED)
    np.testing.assert_allclose(first["discriminator"], np.log(2), rtol=1e-6)  # it cannot tell them apart
    variables = objective.discriminator.trainable_variables
    optimizer = keras.optimizers.Adam(0.1)

    @tf.function
    def step(seed):
        with tf.GradientTape() as tape:
            found = terms(seed)
            loss = tf.reduce_mean(found["discriminator"])
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return tf.reduce_mean(found["total_correlation"])

    estimates = [float(step(tf.constant([5, number]))) for number in range(250)]
    # 2,000 codes have another correlation than their distribution, by 0.008: another 0.03 of the total correlation.
    assert np.mean(estimates[-50:]) == pytest.approx(EXACT, abs=0.1)
    assert abs(estimates[0]) < 1e-6


@pytest.mark.parametrize("jit_compile", [True, False])
def test_shuffled_dimensions_keep_their_marginals_and_lose_their_dependence(jit_compile):
    z = np.random.default_rng(3).normal(size=(4000, 1)).astype("float32") * [1.0, 1.0, -2.0]
    shuffled = tf.function(permute_dims, jit_compile=jit_compile)(tf.constant(z, tf.float32), SEED).numpy()
    np.testing.assert_array_equal(np.sort(shuffled, axis=0), np.sort(z.astype("float32"), axis=0))
    correlations = np.corrcoef(shuffled.T)[np.triu_indices(3, 1)]
    assert np.abs(correlations).max() < 0.07  # standard deviation 0.016; before it was 1
    again = permute_dims(tf.constant(z, tf.float32), tf.constant([9, 9])).numpy()
    assert np.abs(again - shuffled).max() > 0


def test_rows_without_weight_give_nothing_to_the_others():
    z = np.arange(20, dtype="float32").reshape(10, 2)
    present = np.array([1, 0, 1, 1, 0, 1, 1, 1, 0, 0], bool)
    for number in range(20):
        shuffled = permute_dims(z, [number, 0], tf.constant(3.0 * present, tf.float32)).numpy()
        np.testing.assert_array_equal(np.sort(shuffled[present], axis=0), z[present])
    assert np.isfinite(permute_dims(z, [0, 0], tf.zeros([10]))).all()  # a step that is not run


def test_rows_give_as_often_as_they_weigh():
    weight = np.array([1, 2, 3, 0, 2.5, 1.5], "float32")  # of 10 in all, for 5 rows that count
    z = np.arange(6, dtype="float32")[:, np.newaxis]
    counts, shuffled = np.zeros(6), tf.function(permute_dims)
    for number in range(400):
        given = shuffled(z, tf.constant([number, 1]), weight).numpy()[weight > 0, 0].astype(int)
        once = np.bincount(given, minlength=6)
        assert (once >= np.floor(weight / 2)).all() and (once <= np.ceil(weight / 2)).all()
        counts += once
    np.testing.assert_allclose(counts / 400, weight / 2, atol=0.1)  # at most 0.5, over the root of 400, times 4


def test_rows_of_very_unequal_weights_are_shuffled_without_dependence():
    """The weighted shares of pairs of givers are the products of their shares."""
    num, weights = 4000, np.array([1.0, 1.0, 1.0, 10.0], "float32")
    order = np.random.default_rng(0).permuted(np.tile(np.arange(4), (num, 1)), axis=1)
    seeds = np.stack([np.arange(num), np.full(num, 7)], axis=1)

    @tf.function
    def shuffled(order, seeds):
        z = tf.cast(tf.stack([order, order], axis=-1), tf.float32)
        return tf.map_fn(lambda one: permute_dims(*one), (z, seeds, tf.gather(weights, order)), tf.float32)

    drawn, joint = shuffled(order, seeds).numpy().astype(int), np.zeros((4, 4))
    np.add.at(joint, (drawn[..., 0], drawn[..., 1]), weights[order])
    expected = np.outer(weights, weights) / weights.sum() ** 2
    assert np.abs(joint / joint.sum() - expected).sum() / 2 < 0.02  # 0.11 where rows had a place of their own
