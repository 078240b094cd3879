import numpy as np
import pytest
import tensorflow as tf
from scipy import special, stats

import keras_ae as kae
from keras_ae import random


def reference_bits(seed, row, column, stream=0):
    """The generator in plain Python integers, one value at a time."""

    def mix(v):
        v ^= v >> 16
        v = v * 0x7FEB352D % 2**32
        v ^= v >> 15
        v = v * 0x846CA68B % 2**32
        return v ^ v >> 16

    salt = (stream * 2 + 1) * 0x9E3779B9 % 2**32
    first, second = (mix(mix(seed ^ s) ^ row) for s in (salt, salt ^ 0xA5A5A5A5))
    return mix(mix(first ^ column) ^ second)


def test_bits_equal_the_reference_in_plain_integers():
    seeds, rows = [0, 7, 2**31 - 1], [0, 5, 99999]
    bits = random.random_bits(seeds, rows, 4, stream=3).numpy()
    expected = [[reference_bits(s, r, c, 3) for c in range(4)] for s, r in zip(seeds, rows, strict=True)]
    np.testing.assert_array_equal(bits, expected)


def test_normal_follows_the_normal_distribution():
    draws = random.normal(tf.fill([2000], 11), tf.range(2000), 32).numpy().ravel()
    # 64,000 draws: a correct generator is below this p-value once in a thousand seeds, and the seed is fixed.
    assert stats.kstest(draws, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 4 / np.sqrt(draws.size)


def test_normal_is_independent_across_rows_columns_seeds_and_streams():
    a = random.normal(tf.fill([4000], 1), tf.range(4000), 2).numpy()
    b = random.normal(tf.fill([4000], 2), tf.range(4000), 2).numpy()
    c = random.normal(tf.fill([4000], 1), tf.range(4000), 2, stream=1).numpy()
    correlations = np.corrcoef(np.concatenate([a, b, c], axis=1).T)
    off_diagonal = correlations[~np.eye(6, dtype=bool)]
    assert np.abs(off_diagonal).max() < 4 / np.sqrt(4000)


def test_row_depends_on_nothing_but_seed_and_row():
    few = random.normal(tf.fill([10], 7), tf.range(10), 5)
    many = random.normal(tf.fill([100], 7), tf.range(100), 8)
    # The same bits; logarithm and cosine of a vector and of its tail may differ in the last place.
    np.testing.assert_allclose(few, many[:10, :5], rtol=1e-6, atol=1e-6)


def test_categorical_follows_its_probabilities():
    probabilities = np.array([0.1, 0.2, 0.3, 0.4])
    draws = random.categorical(tf.fill([20000], 3), tf.range(20000), np.log(probabilities).astype("float32")).numpy()
    assert stats.chisquare(np.bincount(draws, minlength=4), 20000 * probabilities).pvalue > 1e-3


def test_uniform_never_gives_zero():
    draws = random.uniform(tf.fill([1000], 5), tf.range(1000), 1000).numpy()
    assert draws.min() > 0 and draws.max() <= 1


@pytest.mark.parametrize("seed", [-1, 2**31, 1.5, "7", True, None])
def test_seed_that_is_not_a_small_integer_is_refused(seed):
    with pytest.raises(ValueError, match=r"`seed` must be an integer in \[0, 2\*\*31\)"):
        random.check_seed(seed)


@pytest.mark.parametrize("temperature", [0.3, 4.0])
def test_categorical_divides_its_logits_by_the_temperature(temperature):
    logits = np.log([0.1, 0.2, 0.3, 0.4])
    seeds, rows = tf.fill([20000], 3), tf.range(20000)
    draws = random.categorical(seeds, rows, logits.astype("float32"), temperature=temperature).numpy()
    expected = 20000 * special.softmax(logits / temperature)
    assert stats.chisquare(np.bincount(draws, minlength=4), expected).pvalue > 1e-3


@pytest.mark.parametrize("temperature", [0, -1.0, np.nan, np.inf, "1", True, None])
def test_a_temperature_that_is_not_a_positive_number_is_refused(temperature):
    model = kae.models.VAE(latent_dim=2)
    model.build((None, 4))
    with pytest.raises(ValueError, match=r"`temperature` must be a positive number. Received: temperature="):
        model.sample(1, temperature=temperature)
