"""Models that assign classes without labels, or beyond them, say which."""

import numpy as np

import keras_ae as kae

X = np.random.default_rng(0).random((12, 6)).astype("float32")


def test_a_joint_vae_numbers_the_combinations_of_its_classes():
    model = kae.models.JointVAE(latent_dim=8, categories=(2, 3))
    model.build((None, 6))
    codes = model.encode(X).numpy()
    found = model.cluster(X)
    np.testing.assert_array_equal(found, 3 * codes[:, 3:5].argmax(axis=1) + codes[:, 5:].argmax(axis=1))
    assert found.dtype == np.int64


def test_a_semi_supervised_vae_gives_the_most_likely_class():
    model = kae.models.SemiSupervisedVAE(latent_dim=2, condition=kae.Categorical(4))
    model.build((None, 6))
    np.testing.assert_array_equal(model.cluster(X), model.classify(X).numpy().argmax(axis=1))
