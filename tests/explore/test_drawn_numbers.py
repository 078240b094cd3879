"""What the figures draw: the pixels of their grids, and the numbers of their lines, points and bars."""

import numpy as np
import pytest

import keras_ae as kae
from keras_ae import explore
from keras_ae.evaluate.clustering import relative_contrast


def has_pixels(figure, images):
    """Asserts that the grid of a figure has images [rows, columns, H, W, 1]."""
    drawn = figure.axes[0].images[0].get_array()[..., :3]
    np.testing.assert_allclose(drawn, np.broadcast_to(explore.tile(images), drawn.shape), rtol=0, atol=1e-6)  # float32


def row_labels(figure):
    return [label.get_text() for label in figure.axes[0].get_yticklabels()]


def test_a_traversal_is_ordered_by_kl(vae, digits):
    x = digits[0][0]
    figure = explore.traversal_figure(vae, x, kl=np.array([0.5, 1.5]), steps=5)
    has_pixels(figure, explore.traversal(vae, x, dims=[1, 0], steps=5))
    assert row_labels(figure) == ["z[1], 1.50 nats", "z[0], 0.50 nats"]


def test_paths_have_their_lengths(vae, digits):
    ends = digits[0][:2], digits[0][2:4]
    figure = explore.interpolation_figure(vae, *ends, steps=5, methods=["linear", "spherical"])
    paths = np.stack(
        [explore.interpolation(vae, *ends, steps=5, method=each) for each in ("linear", "spherical")], axis=1
    )
    has_pixels(figure, paths.reshape(4, *paths.shape[2:]))
    lengths = explore.path_lengths(paths.reshape(4, *paths.shape[2:]))
    names = ["linear", "spherical", "linear", "spherical"]
    assert row_labels(figure) == [f"{name}, length {length:.3g}" for name, length in zip(names, lengths, strict=True)]


def test_a_manifold_is_hatched_where_no_code_is_near(vae, digits):
    codes = vae.encode(digits[0][:600]).numpy()
    figure = explore.manifold_figure(vae, codes=codes, steps=6)
    has_pixels(figure, explore.manifold(vae, steps=6))
    places = np.array([float(label) for label in row_labels(figure)])
    plane = np.float32([[x, y] for y in places for x in places[::-1]])  # labels have one digit after the point
    far = (explore.code_support(plane, codes)[1] < 0.01).sum()
    assert abs(sum(bool(patch.get_hatch()) for patch in figure.axes[0].patches) - far) <= 2


def test_attributes_and_properties_change_by_what_the_rows_say(vae, cvae, digits):
    vector = np.array([1.0, -0.5])
    figure = explore.attribute_figure(vae, digits[0][0], {"roundness": (vector, 2.0)}, steps=5)
    moved = explore.along_attribute(vae, digits[0][0], vector, np.linspace(-2, 2, 5))
    has_pixels(figure, moved[np.newaxis])
    held = {"digit": 3, "slant": 0.0}
    figure = explore.property_figure(cvae, np.zeros(2), {"slant": [-1.0, 0.0, 1.0]}, held, units={"slant": "degrees"})
    has_pixels(figure, explore.property_sweep(cvae, np.zeros([1, 2]), "slant", [-1.0, 0.0, 1.0], {"digit": 3}))
    assert row_labels(figure) == ["slant, -1 to 1 degrees"]


def test_sources_are_above_their_nearest_training_examples(vae, digits):
    x = digits[0][:600]
    sources = explore.sample_sources(vae, x, digits[0][600:700], num=4, steps=0)
    rows = [part for each in sources.values() for part in (each.x, x[each.nearest])]
    has_pixels(explore.sample_sources_figure(sources, x), np.stack(rows))


def test_clusters_have_their_means_and_accuracy(digits):
    x, labels = digits[0][:300], digits[1][:300]
    found = explore.cluster_means(x, x, 10, labels)
    figure = explore.cluster_figure({"pixels": found})
    has_pixels(figure, found.means[np.newaxis])
    assert row_labels(figure) == [f"pixels, accuracy {found.accuracy:.2f}"]


def test_contrast_is_a_point_at_the_dimension_of_the_data(digits):
    x = digits[0][:300]
    axes = explore.contrast_figure({"pixels": x}, dims=[2, 8], num_examples=300).axes[0]
    noise, point = axes.lines
    assert point.get_xdata() == 64 and noise.get_xdata().tolist() == [2, 8]
    np.testing.assert_allclose(point.get_ydata(), np.median(relative_contrast(x, max_examples=300)))
    assert noise.get_ydata()[0] > noise.get_ydata()[1]  # distances concentrate


def test_bands_are_drawn_at_their_quantiles():
    real, generated = np.random.default_rng(0).normal(size=[2, 50, 7])
    figure = explore.curve_bands(real, generated, unit="m")
    axes = figure.axes[0]
    for line, area, values in zip(axes.lines, axes.collections, (real, generated), strict=True):
        low, middle, high = np.quantile(values, [0.05, 0.5, 0.95], axis=0)
        np.testing.assert_allclose(line.get_ydata(), middle)
        corners = area.get_paths()[0].vertices
        assert (corners[:, 1].min(), corners[:, 1].max()) == pytest.approx((low.min(), high.max()))
    assert axes.get_ylabel() == "value [m]"


def test_rows_of_tables_are_on_the_scale_of_the_real_ones():
    real, generated = np.random.default_rng(0).normal([1.0, 5.0], [1.0, 9.0], [2, 40, 2])
    low, high = np.quantile(real, [0.01, 0.99], axis=0)
    for axes, rows in zip(explore.parallel_coordinates(real, generated).axes, (real, generated), strict=True):
        heights = np.array(axes.collections[0].get_segments())[..., 1]
        np.testing.assert_allclose(heights, (rows - low) / (high - low), rtol=0, atol=1e-6)  # float32


def test_pairs_have_real_rows_below_and_generated_ones_above_the_diagonal():
    real, generated = np.random.default_rng(0).normal(size=[2, 40, 3])
    panels = np.reshape(explore.pair_plots(real, generated).axes, [3, 3])
    for row, column in ((0, 2), (1, 0), (2, 1)):
        rows = generated if row < column else real
        np.testing.assert_allclose(panels[row, column].collections[0].get_offsets(), rows[:, [column, row]])
    shares = [patch.get_data().values.sum() for patch in panels[1, 1].patches]
    assert all(0.9 < share <= 1.0 for share in shares)  # of the rows are within the limits


def test_slices_of_volumes_are_rows():
    x = np.random.default_rng(0).random([2, 9, 5, 4, 1], np.float32)
    has_pixels(explore.volume_figure(x, num=3), explore.volume_slices(x, 0, 3))


def test_outliers_are_above_the_threshold_with_their_p_values(vae, digits):
    x = digits[0]
    detector = kae.outliers.OutlierDetector(vae, scoring="reconstruction", random_state=0).fit(x[:600])
    scores = -detector.score_samples(x[600:800])
    axes = explore.outlier_scores(detector, scores, false_alarms=0.05).axes[0]
    (line,) = axes.lines
    assert line.get_xdata()[0] == pytest.approx(detector.threshold(0.05))
    usual, examples = (patch.get_data() for patch in axes.patches)
    inside = (scores >= examples.edges[10]) & (scores < examples.edges[20])
    assert examples.values[10:20].sum() == pytest.approx(inside.mean()) and usual.values.sum() == pytest.approx(1.0)
    figure = explore.outlier_examples(detector, x[600:800], x[:600], num=3)
    worst, borderline = explore.outlier_rows(scores, detector.threshold(0.01), 3)
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    p_values = [f"{value:.2g}" for value in detector.p_values(x[600:800][[*worst, *borderline]])]
    assert labels == [*p_values[:3], "", *p_values[3:]]


def test_reconstructions_are_below_their_inputs(vae, digits):
    x = digits[0][:4]
    figure = explore.reconstructions(vae, digits[0], num=4)
    has_pixels(figure, np.stack([x, vae.reconstruct(x)]))
    assert row_labels(figure) == ["input", "output"]


def test_samples_fill_a_square_row_by_row(vae, cvae):
    x = np.full([9, 8, 8, 1], np.nan, np.float32)
    x[:7] = vae.sample(7, seed=3)
    has_pixels(explore.samples(vae, 7, seed=3), x.reshape(3, 3, 8, 8, 1))
    values = {"digit": np.array([1, 4]), "slant": np.zeros(2, np.float32)}
    first = {name: column[0] for name, column in values.items()}
    each = cvae.decode_each(cvae.sample_codes(3, first, seed=5), values)  # [code, value, ...]
    figure = explore.samples_by_condition(cvae, values, num=3, seed=5)
    has_pixels(figure, np.swapaxes(each, 0, 1))
    assert row_labels(figure) == ["1", "4"]


@pytest.mark.parametrize("labeled", [True, False])
def test_points_of_the_map_are_the_codes(vae, digits, labeled):
    x, labels = digits[0][:200], digits[1][:200]
    points = vae.encode(x).numpy()
    found = [each.get_offsets() for each in explore.latent_map(vae, x, labels if labeled else None).axes[0].collections]
    expected = [points[labels == value] for value in range(10)] if labeled else [points]
    for offsets, part in zip(found, expected, strict=True):
        np.testing.assert_allclose(offsets, part, rtol=1e-6)


def test_the_map_has_contours_of_its_points_and_histograms_of_their_axes(vae, digits):
    x = digits[0][:300]
    points = vae.encode(x).numpy()
    figure = explore.latent_map(vae, x, contours=True, margins=True)
    main = figure.axes[0]
    (contours,) = [each for each in main.collections if hasattr(each, "levels")]
    inside = [path.contains_points(points).mean() for path in contours.get_paths()]
    np.testing.assert_allclose(inside, [0.9, 0.5, 0.1], rtol=0, atol=0.02)  # straight pieces between cells
    for axis, axes in enumerate(main.child_axes):
        along, density = [axes.lines[0].get_xdata(), axes.lines[0].get_ydata()][:: 1 - 2 * axis]
        np.testing.assert_allclose(density, np.exp(-(along**2) / 2) / np.sqrt(2 * np.pi), rtol=1e-6)
        heights = np.histogram(points[:, axis], bins=50, density=True)[0]
        sides = [(bar.get_height(), bar.get_width())[axis] for bar in axes.patches]
        np.testing.assert_allclose(sides, heights, rtol=1e-6)


def test_thumbnails_are_the_examples_at_their_codes(vae, digits):
    x = digits[0][:100]
    points = vae.encode(x).numpy()
    boxes = [each for each in explore.latent_map(vae, x, thumbnails=True).axes[0].artists if hasattr(each, "xybox")]
    assert 5 < len(boxes) < 100
    for box in boxes:
        row = np.abs(points - box.xy).sum(axis=1).argmin()
        np.testing.assert_allclose(box.xy, points[row], rtol=1e-6)


def test_each_value_of_a_property_has_its_plane(cvae):
    values = {"digit": np.array([2, 7]), "slant": np.zeros(2, np.float32)}
    figure = explore.property_planes(cvae, values, steps=3)
    picture = np.full([4, 7, 8, 8, 1], np.nan, np.float32)
    for number in range(2):
        given = {name: column[number] for name, column in values.items()}
        picture[1:, 4 * number : 4 * number + 3] = explore.manifold(cvae, given, steps=3)
    has_pixels(figure, picture)
    assert [text.get_text() for text in figure.axes[0].texts] == ["digit 2, slant 0", "digit 7, slant 0"]


def test_training_is_drawn_epoch_by_epoch():
    history = {"loss": [3.0, 2.0, 1.5], "kl": [1.0, 0.5, 0.25], "val_loss": [3.1, 2.2, 1.8]}
    loss, kl = explore.training_curves(history).axes
    for line, values in zip(
        (*loss.lines, *kl.lines), (history["loss"], history["val_loss"], history["kl"]), strict=True
    ):
        assert line.get_xdata().tolist() == [1, 2, 3] and line.get_ydata().tolist() == values


def test_learning_is_a_row_for_each_step_in_order(digits):
    x = digits[0][:3]
    steps = {100: 0.5 * x, 0: np.zeros_like(x)}
    figure = explore.learning(x, steps)
    has_pixels(figure, np.stack([x, steps[0], steps[100]]))
    assert row_labels(figure) == ["input", "0", "100"]


def test_every_kind_of_figure_has_a_test_of_what_it_draws():
    drawn_by = {
        "training": test_training_is_drawn_epoch_by_epoch,
        "reconstructions": test_reconstructions_are_below_their_inputs,
        "map": test_points_of_the_map_are_the_codes,
        "samples": test_samples_fill_a_square_row_by_row,
        "samples_by_condition": test_samples_fill_a_square_row_by_row,
        "manifold": test_a_manifold_is_hatched_where_no_code_is_near,
        "map_density": test_the_map_has_contours_of_its_points_and_histograms_of_their_axes,
        "map_unlabeled": test_points_of_the_map_are_the_codes,
        "map_thumbnails": test_thumbnails_are_the_examples_at_their_codes,
        "traversal": test_a_traversal_is_ordered_by_kl,
        "interpolation": test_paths_have_their_lengths,
        "attributes": test_attributes_and_properties_change_by_what_the_rows_say,
        "sweep": test_attributes_and_properties_change_by_what_the_rows_say,
        "planes": test_each_value_of_a_property_has_its_plane,
        "sources": test_sources_are_above_their_nearest_training_examples,
        "outlier_scores": test_outliers_are_above_the_threshold_with_their_p_values,
        "outliers": test_outliers_are_above_the_threshold_with_their_p_values,
        "clusters": test_clusters_have_their_means_and_accuracy,
        "contrast": test_contrast_is_a_point_at_the_dimension_of_the_data,
        "bands": test_bands_are_drawn_at_their_quantiles,
        "parallel": test_rows_of_tables_are_on_the_scale_of_the_real_ones,
        "pairs": test_pairs_have_real_rows_below_and_generated_ones_above_the_diagonal,
        "learning": test_learning_is_a_row_for_each_step_in_order,
        "volumes": test_slices_of_volumes_are_rows,
    }
    assert set(drawn_by) == set(explore.KINDS), "add a test of what the figure draws"
