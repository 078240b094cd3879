import numpy as np
import tensorflow as tf
from scipy import ndimage

from keras_ae.objectives import augmentation
from keras_ae.objectives.augmentation import affine

IMAGES = np.random.default_rng(0).random((4, 7, 7, 2)).astype("float32")


def with_largest(monkeypatch, **numbers):
    """Sets the largest changes, and draws them."""
    for name in ("shift", "rotation", "zoom", "shear"):
        monkeypatch.setattr(augmentation, f"_{name.upper()}", numbers.get(name, 0.0))
    monkeypatch.setattr(augmentation, "stateless_uniform", lambda shape, seed: tf.ones(shape))
    return affine(tf.constant(IMAGES), tf.constant([3, 4])).numpy()


def test_affine_shifts_by_pixels(monkeypatch):
    found = with_largest(monkeypatch, shift=1 / 7)
    np.testing.assert_allclose(found[:, :6, :6], IMAGES[:, 1:, 1:], atol=1e-5)
    np.testing.assert_allclose(found[:, 6], 0.0, atol=1e-5)


def test_affine_rotates_around_the_center(monkeypatch):
    found = with_largest(monkeypatch, rotation=np.pi / 2)
    np.testing.assert_allclose(found, np.rot90(IMAGES, axes=(1, 2)), atol=1e-4)


def test_affine_zooms_and_shears_as_scipy_does(monkeypatch):
    found = with_largest(monkeypatch, zoom=0.3, shear=0.2)
    matrix = np.array([[np.exp(0.3), 0.0], [0.2, np.exp(0.3)]])  # of (row, column)
    center = np.array([3, 3])
    for image, each in zip(IMAGES, found, strict=True):
        for channel in range(2):
            expected = ndimage.affine_transform(image[..., channel], matrix, center - matrix @ center, order=1)
            inner = (slice(2, 5), slice(2, 5))  # outside, the libraries interpolate with 0 differently
            np.testing.assert_allclose(each[..., channel][inner], expected[inner], atol=1e-4)


def test_affine_changes_every_image_a_little_and_differently():
    found = affine(tf.repeat(tf.constant(IMAGES[:1]), 8, axis=0), tf.constant([3, 4])).numpy()
    differences = np.abs(found[:, None] - found).max(axis=(2, 3, 4))
    assert (differences + np.eye(8) > 0.01).all()
