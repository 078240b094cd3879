"""Grids of images and curves, and files."""

import numpy as np
import pytest
from matplotlib.collections import LineCollection, PolyCollection
from PIL import Image

import keras_ae as kae
from keras_ae.drawing.curve_grid import curve_grid, is_image

SEQUENCES, TABLES = [(40, 3), (100,), (30, 1)], [(5,), (32,)]


def test_tile_puts_each_image_in_its_place():
    images = np.arange(4, dtype=np.float32).reshape(4, 1, 1, 1) / 4
    np.testing.assert_allclose(kae.explore.tile(images, 2)[..., 0], [[0, 1, 0.25], [1, 1, 1], [0.5, 1, 0.75]])


def test_tile_fills_the_last_row_with_white():
    assert np.all(kae.explore.tile(np.zeros([3, 2, 2, 1]), 2)[3:, 3:] == 1)


def test_tile_keeps_colors():
    red = np.zeros([1, 2, 2, 3])
    red[..., 0] = 1
    np.testing.assert_array_equal(kae.explore.tile(red), red[0])


def test_tile_scales_values_beyond_zero_and_one():
    np.testing.assert_allclose(kae.explore.tile(np.array([-4.0, 4.0]).reshape(1, 1, 2, 1))[0, :, 0], [0, 1])


@pytest.mark.parametrize("shape", [(3, 8), (3, 8, 8), (3, 8, 8, 2), (0, 8, 8, 1)])
def test_grid_refuses_what_is_no_image(shape):
    with pytest.raises(ValueError, match="`images` must have shape"):
        kae.explore.image_grid(np.zeros(shape))


def test_grid_refuses_labels_of_another_number():
    with pytest.raises(ValueError, match="one text for each of 2 rows"):
        kae.explore.image_grid(np.zeros([2, 3, 4, 4, 1]), row_labels=["a"])


def test_figures_are_white_and_saved_as_a_whole(tmp_path):
    figure = kae.explore.image_grid(np.zeros([4, 4, 4, 1]), title="four")
    path = kae.explore.save(figure, tmp_path / "new" / "four.png")
    with Image.open(path) as image:
        assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    assert [entry.name for entry in path.parent.iterdir()] == ["four.png"]


def test_failed_saving_leaves_the_old_file(tmp_path):
    class Broken:
        def savefig(self, path, **_):
            path.write_bytes(b"half")
            raise OSError("disk full")

    (tmp_path / "a.png").write_bytes(b"old")
    with pytest.raises(OSError, match="disk full"):
        kae.explore.save(Broken(), tmp_path / "a.png")
    assert [(entry.name, entry.read_bytes()) for entry in tmp_path.iterdir()] == [("a.png", b"old")]


def test_saving_refuses_other_suffixes(tmp_path):
    with pytest.raises(ValueError, match=r"\.png"):
        kae.explore.save(None, tmp_path / "a.exe")


@pytest.mark.parametrize(
    ("shape", "image"),
    [
        *[((size, size), True) for size in (8, 28)],
        *[((4, 4, channels), channels in (1, 3)) for channels in (1, 2, 3, 4)],
        ((28, 14), True),
        *[(shape, False) for shape in (*SEQUENCES, *TABLES, (6, 6, 6, 1))],
    ],
)
def test_images_sequences_and_tables_are_told_apart(shape, image):
    assert is_image(shape) == image


def lines_of(figure):
    return [each for each in figure.axes[0].collections if isinstance(each, LineCollection)]


@pytest.mark.parametrize("shape", SEQUENCES)
def test_sequences_are_curves_of_their_values(shape):
    x = np.random.default_rng(0).normal(size=(6, *shape))
    curves = lines_of(curve_grid(x, 3, title="six", limits=(-4.0, 4.0)))
    channels = x.reshape(6, shape[0], -1).shape[-1]
    assert len(curves) == channels
    for channel, collection in enumerate(curves):
        drawn = np.stack(collection.get_segments())  # [N, T, 2]
        bottom = np.repeat([0.0, -1.12], 3)[:, np.newaxis]
        expected = (x.reshape(6, shape[0], -1)[..., channel] + 4) / 8
        np.testing.assert_allclose(drawn[..., 1] - bottom, expected, atol=1e-12)
        np.testing.assert_allclose(np.diff(drawn[..., 0]), 1 / (shape[0] - 1), atol=1e-12)


@pytest.mark.parametrize("shape", TABLES)
def test_rows_of_tables_are_bars_from_zero(shape):
    x = np.random.default_rng(0).uniform(-1, 3, size=(2, *shape))
    figure = curve_grid(x, 2, over=0.5 * x, names=("input", "output"))
    _, *bars = (each for each in figure.axes[0].collections if isinstance(each, PolyCollection))
    assert len(bars) == 2 and len(bars[0].get_paths()) == x.size
    low, high = min(x.min(), 0.0), max(x.max(), 0.0)
    for collection, values in zip(bars, (x, 0.5 * x), strict=True):
        spans = np.array([np.ptp(path.vertices[:, 1]) for path in collection.get_paths()])
        np.testing.assert_allclose(spans, np.abs(values).ravel() / (high - low), atol=1e-12)
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["input", "output"]


def test_equal_values_have_a_scale():
    assert lines_of(curve_grid(np.zeros([1, 40])))[0].get_segments()[0][0][1] == 0.5
