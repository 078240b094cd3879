"""Models whose codes are in layers."""

import numpy as np
import pytest
import tensorflow as tf

import keras_ae as kae
from keras_ae import random
from keras_ae.step_context import StepContext

SEED = tf.constant([3, 4], tf.int32)
X = np.random.default_rng(1).random((7, 5)).astype("float32")


@pytest.mark.parametrize(
    "latent_dim, sizes", [(None, (12, 4)), (2, (1, 1)), (1, (1,)), (3, (2, 1)), (5, (4, 1)), (64, (48, 16))]
)
def test_sizes_of_the_layers_follow_the_latent_dim(latent_dim, sizes):
    model = kae.models.HierarchicalVAE(latent_dim=latent_dim)
    assert model.prior_layer.sizes == sizes and model.latent_dim == sum(sizes)


def test_the_decoder_of_the_ladder_sees_the_lowest_layer_alone():
    network = kae.networks.MLP
    model = kae.models.LadderVAE(network([6]), network([5]), sizes=[3, 2], condition=kae.Categorical(2))
    model.build((None, 4))
    z = np.random.default_rng(4).normal(size=(6, 5)).astype("float32")
    labels = np.array([0, 1, 0, 1, 0, 1])
    other = z + np.array([0, 0, 0, 1, 1], "float32")
    np.testing.assert_array_equal(model.decode(z, labels), model.decode(other, labels))
    assert np.abs(model.decode(z, labels) - model.decode(z + 1, labels)).max() > 0
    assert np.abs(model.decode(z, labels) - model.decode(z, 1 - labels)).max() > 0
    image = kae.models.LadderVAE(decoder="conv", sizes=[3, 2])
    image.build((None, 6, 6, 1))
    assert image.decode(z).shape == (6, 6, 6, 1)


def test_the_rate_of_the_ladder_is_let_in_slowly_and_any_number_of_layers_goes():
    model = kae.models.LadderVAE(sizes=[4, 3, 2, 1])
    assert model.objective.warm_up == 2000
    model.build((None, 5))
    terms = model.terms(tf.constant(X), None, StepContext(SEED, training=True, step=1000))
    np.testing.assert_allclose(terms["loss"], terms["reconstruction"] + 0.5 * terms["kl"], rtol=1e-5)
    codes, seeds = model.sample_codes(3, seed=5), tf.fill([3], 5)
    np.testing.assert_allclose(codes, model.prior_layer.sample(seeds, tf.range(3)), rtol=1e-5, atol=1e-6)
    noise = random.normal(seeds, tf.range(3), 10)
    np.testing.assert_allclose(codes, model.prior().descend(noise), rtol=1e-5, atol=1e-6)
