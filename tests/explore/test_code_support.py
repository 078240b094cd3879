import numpy as np
import pytest

from keras_ae.explore import code_support


def test_distances_and_fractions_agree_with_all_pairs():
    rng = np.random.default_rng(0)
    codes, z = rng.normal(size=[300, 3]), 2 * rng.normal(size=[50, 3])
    pairs = np.linalg.norm(codes[:, np.newaxis] - codes, axis=-1)
    neighbors = np.where(np.eye(300, dtype=bool), np.inf, pairs).min(axis=1)
    distances = np.linalg.norm(z[:, np.newaxis] - codes, axis=-1).min(axis=1)
    distance, support = code_support(z, codes)
    np.testing.assert_allclose(distance, distances, rtol=1e-5)  # float32 codes
    expected = np.mean(neighbors >= distances[:, np.newaxis], axis=1)
    np.testing.assert_allclose(support, expected, atol=1 / 300)  # a rounded distance may change places with another
    assert support.min() == 0 and support.max() > 0.5


def test_a_training_code_has_full_support_and_a_far_one_none():
    codes = np.random.default_rng(0).normal(size=[5000, 2])
    distance, support = code_support(np.stack([codes[7], [50.0, 0.0]]), codes)
    assert distance[0] == 0 and support.tolist() == [1.0, 0.0] and distance[1] > 40


@pytest.mark.parametrize(
    ("z", "codes", "sentence"),
    [
        (np.zeros([1, 2]), np.zeros([1, 2]), "`codes` must have shape"),
        (np.zeros([1, 3]), np.zeros([4, 2]), "`z` must have shape"),
        (np.zeros([1, 2]), np.full([4, 2], np.nan), "`codes` must be finite"),
    ],
)
def test_wrong_codes_are_refused(z, codes, sentence):
    with pytest.raises(ValueError, match=sentence):
        code_support(z, codes)
