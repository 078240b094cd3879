"""The network that measures properties on images, against what images can tell about them."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from keras_ae.evaluate.regressor import train_regressor


@pytest.fixture(scope="module")
def sums():
    """Images of one gray level, a third of a + b + class, with a and b uniform in [0, 1]."""
    rng = np.random.default_rng(0)
    values, kinds = rng.uniform(size=[2000, 2]).astype(np.float32), rng.integers(2, size=2000)
    level = (values.sum(axis=1) + kinds) / 3.0
    return np.broadcast_to(level[:, None, None, None], [2000, 4, 4, 1]), values, np.eye(2, dtype=np.float32)[kinds]


@pytest.mark.slow
def test_errors_are_those_of_the_posterior_median(sums):
    x, values, classes = sums
    regressor = train_regressor(x[:1000], values[:1000], classes[:1000], blur=0.0, epochs=20)
    alone, given_others = (
        np.abs(measured - values[1000:]).mean(axis=0)
        for measured in regressor.measure(x[1000:], values[1000:], classes[1000:])
    )
    # Given a + b = s, a is uniform on an interval of width w = min(s, 2 - s): its median errs by w / 4 on average, and
    # E[w] = 2/3. Ten percent is four standard errors of 1,000 images. With b known, only the network's error is left.
    np.testing.assert_allclose(alone, 1 / 6, rtol=0.1)
    assert given_others.max() < 0.03, given_others


@pytest.mark.slow
def test_a_property_is_not_measured_with_its_own_value(sums):
    x, values, classes = (each[:256] for each in sums)
    regressor = train_regressor(x, values, classes, blur=0.0, epochs=1)
    other = values.copy()
    other[:, 0] = 9.0
    before, after = (regressor.measure(x, each, classes) for each in (values, other))
    np.testing.assert_allclose(after[0], before[0], rtol=1e-5)
    np.testing.assert_allclose(after[1][:, 0], before[1][:, 0], rtol=1e-5)
    assert np.abs(after[1][:, 1] - before[1][:, 1]).min() > 1e-3


@pytest.mark.slow
def test_blur_is_not_read_as_a_property():
    """Vertical bars of known width: blurred ones have the same width, which a network has to see in training."""
    rng = np.random.default_rng(0)
    width, center = rng.uniform(2.0, 6.0, 1500).astype(np.float32), rng.uniform(4.5, 6.5, 1500)
    edges = np.clip(np.abs(np.arange(12) - center[:, None]) - width[:, None] / 2 + 0.5, 0.0, 1.0)
    x = np.repeat(1.0 - edges[:, None, :, None], 12, axis=1).astype(np.float32)  # antialiased, [N, 12, 12, 1]
    blurred, nothing = gaussian_filter(x[1200:], (0, 0.8, 0.8, 0)), np.zeros([300, 0])
    errors = {}
    for blur in (0.0, 1.0):
        regressor = train_regressor(x[:1200], width[:1200, None], blur=blur, epochs=16 if blur else 32)
        for name, images in (("sharp", x[1200:]), ("blurred", blurred)):
            errors[name, blur] = np.abs(
                regressor.measure(images, width[1200:, None], nothing)[0][:, 0] - width[1200:]
            ).mean()
    assert errors["blurred", 1.0] < 0.5 * errors["blurred", 0.0], errors
    assert errors["sharp", 1.0] < 0.1 and errors["blurred", 1.0] < 0.15, errors  # pixels; a guess errs by 1


def test_wrong_arguments_are_refused(sums):
    x, values, classes = (each[:10] for each in sums)
    with pytest.raises(ValueError, match=r"`values` must have shape \[10, P\]"):
        train_regressor(x, values[:5])
    with pytest.raises(ValueError, match=r"`classes` must have shape \[10, K\]"):
        train_regressor(x, values, classes[:5])
    with pytest.raises(ValueError, match="`x` must be images"):
        train_regressor(x[..., 0], values)
