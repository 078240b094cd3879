"""The properties of the strokes are what they say, and an image is a pure function of (seed, number)."""

import time

import numpy as np
import pytest

from keras_ae import random
from keras_ae.datasets import strokes
from keras_ae.datasets.strokes import counter
from keras_ae.datasets.strokes.rendering import _segments, complete

DIGITS = np.arange(10)
Y, X = np.mgrid[:28, :28]


def moments(images):
    """Mass, center x and y, and the second moments xx, xy, yy, each [N]."""
    ink = images[..., 0].astype(np.float64)
    mass = ink.sum((1, 2))
    cx, cy = (ink * X).sum((1, 2)) / mass, (ink * Y).sum((1, 2)) / mass
    dx, dy = X - cx[:, None, None], Y - cy[:, None, None]
    return mass, cx, cy, *((ink * a * b).sum((1, 2)) / mass for a, b in ((dx, dx), (dx, dy), (dy, dy)))


def test_generator_gives_the_bits_of_the_portable_one():
    for stream in (0, 3):
        ours = counter.uniform(12345, [0, 7, 2**31 - 1], 5, stream)
        theirs = random.uniform([12345] * 3, [0, 7, 2**31 - 1], 5, stream).numpy()
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=2.0**-24)


def test_image_depends_on_seed_and_number_alone():
    x, y = strokes.generate(50, seed=3)
    some, properties = strokes.generate(np.array([41, 7, 7]), seed=3)
    np.testing.assert_array_equal(some, x[[41, 7, 7]])
    for key, value in properties.items():
        np.testing.assert_array_equal(value, y[key][[41, 7, 7]])
    one_by_one = np.concatenate([strokes.generate(np.array([i]), seed=3)[0] for i in range(9)])
    np.testing.assert_array_equal(one_by_one, x[:9])
    assert not np.array_equal(strokes.generate(50, seed=4)[0], x)


def test_shapes_types_and_ranges():
    x, y = strokes.generate(300)
    assert x.shape == (300, 28, 28, 1) and x.dtype == np.float32 and x.min() == 0.0 and x.max() == 1.0
    assert y["digit"].dtype == np.int32 and set(y["digit"]) == set(range(10))
    assert y["style"].shape == (300, len(strokes.STYLE))
    for key, (low, high) in strokes.RANGES.items():
        assert y[key].dtype == np.float32 and low <= y[key].min() and y[key].max() <= high


def test_properties_are_independent_with_the_documented_moments():
    y = strokes.sample_properties(20_000, seed=5)
    columns = [y[k] for k in strokes.RANGES] + list(y["style"].T)
    # Off-diagonal correlations of 20,000 draws have a standard deviation of 0.007.
    np.testing.assert_allclose(np.corrcoef(columns), np.eye(len(columns)), atol=0.035)
    for key, (low, high) in strokes.RANGES.items():
        np.testing.assert_allclose(y[key].mean(), (low + high) / 2, atol=0.005 * (high - low))
        np.testing.assert_allclose(y[key].std(), (high - low) / 6, rtol=0.03)
    np.testing.assert_allclose(np.bincount(y["digit"]) / 20_000, 0.1, atol=0.01)


@pytest.mark.parametrize("thickness", [1.2, 1.5, 2.0, 3.0, 4.0])
def test_area_of_a_straight_line_is_length_times_thickness(thickness):
    ink = strokes.render({"digit": 1, "thickness": thickness})[0, :, :, 0]
    # A vertical line: the middle rows are away from the ends, and each holds `thickness` of ink.
    np.testing.assert_allclose(ink[10:18].sum(1), thickness, atol=0.03)


def test_area_grows_with_thickness_for_all_digits():
    mass = [moments(strokes.render({"digit": DIGITS, "thickness": t}))[0] for t in (1.5, 2.5, 3.5)]
    assert (np.diff(mass, axis=0) > 10).all()


@pytest.mark.parametrize("slant", [-25.0, 15.0, 40.0])
def test_slant_shears_the_image(slant):
    def lean(images):
        *_, xy, yy = moments(images)
        return xy / yy  # the slope dx / dy of a line, y down

    upright, slanted = (lean(strokes.render({"digit": 1, "slant": s})) for s in (0.0, slant))
    np.testing.assert_allclose(slanted, upright - np.tan(np.radians(slant)), atol=0.03)


@pytest.mark.parametrize("slant", [-25.0, 40.0])
def test_slant_shears_the_pen_path_exactly(slant):
    properties = {"digit": DIGITS, "style": np.random.RandomState(1).normal(size=(10, 8))}
    (x, y, *_), (slanted, *_) = (_segments(complete({**properties, "slant": s})) for s in (0.0, slant))
    rest = slanted - (x - np.tan(np.radians(slant)) * y)  # the same for all points: where the center of mass is put
    np.testing.assert_allclose(rest, rest[:, :1] + np.zeros_like(rest), atol=1e-4)


@pytest.mark.parametrize("rotation", [-15.0, 10.0])
def test_rotation_turns_the_principal_axis_counter_clockwise(rotation):
    def axis(images):
        _, _, _, xx, xy, yy = moments(images)
        return np.degrees(np.arctan2(-2 * xy, xx - yy)) / 2  # y points down

    narrow = np.array([0, 1, 8])  # with a clear principal axis
    before, after = (axis(strokes.render({"digit": narrow, "rotation": r})) for r in (0.0, rotation))
    turned = (after - before + 90) % 180 - 90
    np.testing.assert_allclose(turned, rotation, atol=0.5)


@pytest.mark.parametrize("size", [0.8, 1.0, 1.1])
def test_size_is_the_height_of_the_pen_path(size):
    properties = strokes.sample_properties(40, seed=2)
    properties["size"] = size
    properties["rotation"] = 0.0
    _, y0, _, y1, radius = _segments(complete(properties))
    top = np.where(radius > 0, np.minimum(y0, y1), np.inf).min(1)
    bottom = np.where(radius > 0, np.maximum(y0, y1), -np.inf).max(1)
    np.testing.assert_allclose(bottom - top, 17.0 * size, rtol=1e-5)


def test_center_of_mass_is_that_of_mnist():
    _, cx, cy, *_ = moments(strokes.generate(500)[0])
    # The pen path's is exact; overlapping strokes and the border move the ink's a little.
    np.testing.assert_allclose([cx.mean(), cy.mean()], 14.0, atol=0.1)
    assert np.abs(cx - 14).max() < 1.5 and np.abs(cy - 14).max() < 1.5


def test_images_are_smooth_in_the_style():
    style = np.random.RandomState(0).normal(size=(10, 8))
    for k in range(8):
        step = np.zeros(8)
        step[k] = 1e-3
        images = [strokes.render({"digit": DIGITS, "style": style + n * step}) for n in (0, 1, 10)]
        near, far = (np.abs(image - images[0]).mean((1, 2, 3)) for image in images[1:])
        assert (far < 0.01).all(), strokes.STYLE[k]
        # Ten times the step, about ten times the change. Only opening has digits that it does not touch.
        np.testing.assert_allclose(far, 10 * near, rtol=0.25, atol=1e-6)


def test_every_style_number_changes_the_image():
    for k in range(8):
        images = strokes.render({"digit": DIGITS, "variant": 0, "style": 1.5 * np.eye(8)[k]})
        change = np.abs(images - strokes.render({"digit": DIGITS})).sum((1, 2, 3))
        assert (change > 1.0).sum() >= 8, strokes.STYLE[k]


def test_ink_stays_in_the_image():
    x, _ = strokes.generate(2000)
    border = np.concatenate([x[:, [0, -1]].reshape(2000, -1), x[:, :, [0, -1]].reshape(2000, -1)], axis=1)
    assert (border.max(1) > 0.5).mean() < 0.06


def test_nearest_neighbors_read_the_digits():
    from sklearn.neighbors import KNeighborsClassifier

    x, y = strokes.generate(4000, seed=0)
    x_test, y_test = strokes.generate(500, seed=1)
    model = KNeighborsClassifier(3).fit(x.reshape(4000, -1), y["digit"])
    assert model.score(x_test.reshape(500, -1), y_test["digit"]) > 0.94


@pytest.mark.slow
def test_nearest_neighbors_trained_on_strokes_read_real_digits(mnist):
    from sklearn.neighbors import KNeighborsClassifier

    from keras_ae import datasets

    x, y = strokes.generate(6000, seed=0)
    x_test, y_test = datasets.load(mnist, "test[:1000]")
    model = KNeighborsClassifier(3).fit(x.reshape(6000, -1), y["digit"])
    assert model.score(x_test.reshape(1000, -1), y_test) > 0.70


def test_draws_a_hundred_thousand_a_minute():
    properties = strokes.sample_properties(1000)
    start = time.process_time()  # of this process alone, so that a busy machine does not matter
    strokes.render(properties)
    assert time.process_time() - start < 0.6


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"slant": 3.0}, "must have `digit`"),
        ({"digit": 3, "color": 1}, "color"),
        ({"digit": 10}, "`digit` must be an array"),
        ({"digit": 1.5}, "`digit` must be whole numbers"),
        ({"digit": 1, "variant": 7}, "`variant` must be below"),
        ({"digit": [1, 2], "slant": [1.0, 2.0, 3.0]}, r"`slant` must have shape \(2,\)"),
        ({"digit": 1, "slant": np.nan}, "`slant` must be finite"),
        ({"digit": 1, "slant": 89.0}, "`slant` must be within"),
        ({"digit": 1, "thickness": 0.0}, "`thickness` must be > 0"),
        ({"digit": 1, "style": np.zeros(3)}, "`style` must have shape"),
    ],
)
def test_wrong_properties_are_named(properties, message):
    with pytest.raises(ValueError, match=message):
        strokes.render(properties)


@pytest.mark.parametrize(("indices", "seed"), [(-1, 0), ([0.5], 0), (3, -1), (3, 2.0), (3, True)])
def test_wrong_numbers_and_seeds_are_refused(indices, seed):
    with pytest.raises(ValueError, match="must be"):
        strokes.sample_properties(indices, seed)
