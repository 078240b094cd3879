"""The texture of an image: its values are their formulas, and its density is the one of their logarithms."""

import numpy as np
import tensorflow as tf
from scipy.ndimage import gaussian_filter

from keras_ae.outliers.density import fit_density
from keras_ae.outliers.texture import fit_texture, texture_values

RNG = np.random.default_rng(0)
IMAGES = gaussian_filter(RNG.random([400, 12, 14, 2]), [0, 1, 1, 0]) * (0.5 + RNG.random([400, 1, 1, 1]))


def values(x):
    return texture_values(tf.constant(x, tf.float32)).numpy()


def test_the_values_are_their_formulas():
    x = IMAGES[:5]
    vertical, horizontal = np.diff(x, axis=1), np.diff(x, axis=2)
    down, up = x[:, 1:, 1:] - x[:, :-1, :-1], x[:, 1:, :-1] - x[:, :-1, 1:]
    curved = np.diff(x, 2, axis=1), np.diff(x, 2, axis=2)

    def mean(each):
        return each.mean(axis=(1, 2, 3))

    expected = [
        *(mean(x**power) for power in (1, 2, 3, 4)),
        *(mean(each**2) for each in (vertical, horizontal, down, up)),
        *(mean(np.abs(vertical)) + mean(np.abs(horizontal)), mean(vertical**4) + mean(horizontal**4)),
        *(sum(mean(np.abs(each)) for each in curved), sum(mean(each**2) for each in curved)),
    ]
    np.testing.assert_allclose(values(x), np.stack(expected, axis=-1), rtol=1e-5)


def test_a_mirrored_image_has_its_diagonals_exchanged():
    order = [0, 1, 2, 3, 4, 5, 7, 6, 8, 9, 10, 11]
    np.testing.assert_allclose(values(IMAGES[:5, :, ::-1]), values(IMAGES[:5])[:, order], rtol=1e-5)


def test_the_density_is_that_of_logarithms():
    known = values(IMAGES).astype(np.float64)
    texture, logs = fit_texture(known, 0), np.log(known)
    loc, scale = logs.mean(axis=0), logs.std(axis=0)
    expected = fit_density((logs - loc) / scale, 0)((logs - loc) / scale) + np.log(scale).sum()
    # Logarithms of about -5 in float32 have an error of 5e-7, and the narrowest direction has a deviation of 0.03 of
    # their standard deviation, which is 0.5.
    np.testing.assert_allclose(texture(tf.constant(known, tf.float32)), expected, rtol=1e-3, atol=1e-2)


def test_what_has_no_texture_or_another_one_is_less_dense():
    texture = fit_texture(values(IMAGES), 0)
    usual = texture(texture_values(tf.constant(IMAGES, tf.float32))).numpy()
    blank, noise = np.zeros_like(IMAGES[:5]), RNG.random([5, 12, 14, 2])
    for other in (blank, noise, np.round(4.0 * IMAGES[:5]) / 4.0, 1.0 - IMAGES[:5]):
        found = texture(texture_values(tf.constant(other, tf.float32))).numpy()
        assert np.isfinite(found).all() and found.min() > np.quantile(usual, 0.99)


def test_values_that_are_not_positive_count_themselves():
    known = values(IMAGES - IMAGES.mean())  # of both signs, and their third moments
    texture = fit_texture(known, 0)
    found = texture(tf.constant([known[0], known[0] * [9.0, *np.ones(11)]], tf.float32)).numpy()
    assert (known[:, 0] < 0).any() and np.isfinite(found).all() and found[1] > found[0]
