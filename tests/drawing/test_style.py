"""Grids of all kinds of examples, and the light and the dark theme."""

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

import keras_ae as kae
from keras_ae.drawing.example_grid import example_grid, middle_slices
from keras_ae.drawing.style import CLASSES, PALETTE, SEQUENTIAL, SURPRISE, THEMES, new_figure, plain


def test_images_that_are_nan_and_gaps_show_the_paper():
    x = np.zeros([1, 2, 4, 4, 1])
    x[0, 1] = np.nan
    alpha = kae.explore.image_grid(x).axes[0].images[0].get_array()[..., 3]
    assert (alpha[:, :4] == 1).all() and (alpha[:, 4:] == 0).all()


def test_shades_lie_over_the_images_that_are_marked():
    shaded = np.array([[False, True, False], [False, False, True]])
    axes = example_grid(np.zeros([2, 3, 8, 8]), shaded=shaded).axes[0]
    corners = {patch.get_xy() for patch in axes.patches if isinstance(patch, Rectangle)}
    assert corners == {(8.5, -0.5), (17.5, 8.5)}  # a cell takes eight pixels and a gap


def test_columns_have_their_labels():
    texts = {"column_labels": ["a", "b"], "column_title": "value"}
    for event in ((8, 8), (3, 4, 5, 1)):
        axes = example_grid(np.zeros([1, 2, *event]), **texts).axes[0]
        assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "b"] and axes.get_xlabel() == "value"
    curves = example_grid(np.zeros([1, 2, 40]), **texts).axes[0]
    assert [text.get_text() for text in curves.texts] == ["a", "b"]
    with pytest.raises(ValueError, match="one text for each of 3 columns"):
        example_grid(np.zeros([1, 3, 8, 8]), **texts)


def test_middle_slices_of_a_volume_are_side_by_side():
    x = np.random.default_rng(0).random([2, 3, 3, 3, 1])
    expected = np.concatenate([x[:, 1], x[:, :, 1], x[:, :, :, 1]], axis=2)
    np.testing.assert_array_equal(middle_slices(x), expected)
    assert middle_slices(np.zeros([2, 3, 4, 5, 1])).shape == (2, 5, 15, 1)


def test_a_theme_changes_paper_text_and_axes_and_not_the_data():
    figure = new_figure(3, 2)
    axes = plain(figure.add_subplot(), "x", "y", "title")
    (line,) = axes.plot([0, 1], color=PALETTE[0])
    points = axes.scatter([0, 1], [0, 1], color=CLASSES[:2], edgecolors="white")
    for name in ("dark", "light"):
        theme = THEMES[name]
        kae.explore.themed(figure, name)
        assert figure.get_facecolor() == axes.get_facecolor() == to_rgba(theme["paper"])
        assert to_rgba(axes.title.get_color()) == to_rgba(axes.spines["left"].get_edgecolor()) == to_rgba(theme["ink"])
        assert tuple(points.get_edgecolor()[0]) == to_rgba(theme["paper"])
        assert line.get_color() == PALETTE[0]
        np.testing.assert_array_equal(points.get_facecolor(), [to_rgba(color) for color in CLASSES[:2]])
    with pytest.raises(ValueError, match="`theme`"):
        kae.explore.themed(figure, "blue")


@pytest.mark.parametrize("name", [SEQUENTIAL, SURPRISE])
def test_scales_grow_lighter_all_the_way(name):
    """So that they read in gray, and without color vision."""
    gray = matplotlib.colormaps[name](np.linspace(0, 1, 50))[:, :3] @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(gray) > 0).all()
