"""The numbers behind the figures, against NumPy, SciPy and closed forms."""

import keras
import numpy as np
import pytest
from linear_vae import linear_vae, principal_components
from scipy.stats import norm

import keras_ae as kae


def test_codes_of_the_linear_model_are_scores_of_the_principal_components(vae, digits):
    x = digits[0][:600]
    mean, components, scales = principal_components(x, 2)
    expected = (x.reshape(600, -1) - mean) @ components.T / scales
    np.testing.assert_allclose(vae.encode(x), expected, atol=1e-4)  # float32


def test_on_a_flat_surface_the_geodesic_is_the_straight_line(vae):
    start, end = np.array([[0.0, 1.0], [2.0, -1.0]]), np.array([[1.0, -1.0], [0.0, 0.0]])
    path = kae.explore.geodesic(vae, start, end, steps=5)
    t = np.linspace(0, 1, 5)[:, np.newaxis]
    np.testing.assert_allclose(path, start[:, np.newaxis] + t * (end - start)[:, np.newaxis], atol=1e-4)  # float32


def test_the_geodesic_goes_around_a_hill():
    """x = (z, height) over a plane with a hill at the origin: the line over the top is longer than the way round."""

    class Hill(keras.layers.Layer):
        def call(self, inputs, training=False):
            return keras.ops.concatenate([inputs, 4.0 * keras.ops.exp(-keras.ops.sum(inputs**2, -1, True))], axis=-1)

    model = kae.models.AE(kae.networks.MLP([4]), Hill(), latent_dim=2, likelihood="normal")
    model.build((None, 3))
    for weight in model.weights:
        if weight.path.split("/")[1] == "likelihood":
            weight.assign(np.eye(*weight.shape) if weight.name == "kernel" else np.zeros(weight.shape))
    start, end = np.array([[-2.0, 0.1]]), np.array([[2.0, 0.1]])
    straight = np.linspace(start[0], end[0], 15)[np.newaxis]
    found = kae.explore.geodesic(model, start, end, steps=15, iterations=200)
    over, around = (
        kae.explore.path_lengths(model.decode(path.reshape(-1, 2).astype(np.float32)).numpy().reshape(1, 15, 3))[0]
        for path in (straight, found)
    )
    assert around < 0.8 * over and np.abs(found[0, 7, 1]) > 0.8  # at half way it has left the line


def test_attribute_vector_of_a_class_is_the_difference_of_mean_codes():
    rng = np.random.default_rng(0)
    codes, has = rng.normal(size=[50, 3]), rng.random(50) < 0.3
    expected = codes[has].mean(axis=0) - codes[~has].mean(axis=0)
    np.testing.assert_allclose(kae.explore.attribute_vector(codes, has), expected)


def test_attribute_vector_of_a_number_is_the_slope_of_least_squares():
    rng = np.random.default_rng(0)
    codes, values = rng.normal(size=[50, 3]), rng.normal(size=50)
    expected = np.polyfit(values, codes, 1)[0]
    np.testing.assert_allclose(kae.explore.attribute_vector(codes, values), expected)


@pytest.mark.parametrize("values", [np.zeros(4), np.arange(3.0), np.array([0.0, 1.0, np.nan, 2.0])])
def test_attributes_that_do_not_vary_or_fit_are_refused(values):
    with pytest.raises(ValueError, match="`values` must"):
        kae.explore.attribute_vector(np.zeros([4, 2]), values)


def test_moving_along_an_attribute_adds_its_vector_to_the_code(vae, digits):
    vector = np.array([0.5, -1.0])
    moved = kae.explore.along_attribute(vae, digits[0][3], vector, [0.0, 2.0])
    code = vae.encode(digits[0][3:4]).numpy()
    expected = vae.decode(np.concatenate([code, code + 2 * vector.astype(np.float32)]))
    np.testing.assert_allclose(moved, expected, atol=1e-5)


def test_sweep_changes_one_property_and_holds_the_others(cvae):
    z = np.array([[0.5, -0.5]], np.float32)
    x = kae.explore.property_sweep(cvae, z, "slant", [-1.0, 0.0, 1.0], {"digit": 4})
    assert x.shape == (1, 3, 8, 8, 1)
    np.testing.assert_allclose(x[0, 1], cvae.decode(z, {"digit": [4], "slant": [0.0]})[0], atol=1e-6)
    np.testing.assert_allclose(x[0, 2] - x[0, 1], x[0, 1] - x[0, 0], atol=1e-5)  # the model is linear in it
    with pytest.raises(ValueError, match="must be conditional"):
        kae.explore.property_sweep(linear_vae(np.eye(8).reshape(8, 8)), np.zeros([1, 2]), None, [0])


def test_manifold_of_two_among_more_dimensions_holds_the_others_at_zero(digits):
    model = linear_vae(digits[0][:300], 4)
    x = kae.explore.manifold(model, steps=3, dims=(3, 1))
    np.testing.assert_allclose(x[0, 2], model.decode([[0.0, norm.ppf(5 / 6), 0.0, norm.ppf(5 / 6)]])[0], atol=1e-5)
    for dims in ((0, 0), (0, 4)):
        with pytest.raises(ValueError, match="two numbers"):
            kae.explore.manifold(model, steps=3, dims=dims)


def test_planes_are_hatched_where_no_code_of_the_value_is_near(cvae):
    codes = np.random.default_rng(0).normal(size=[2, 300, 2]) * [[[0.3]], [[0.1]]]
    values = {"digit": [3, 8], "slant": [0.0, 0.0]}
    figure = kae.explore.property_planes(cvae, values, steps=5, names=["3", "8"], codes=codes)
    places = norm.ppf((np.arange(5) + 0.5) / 5)
    for number, block in enumerate(codes):
        far = kae.explore.code_support(np.float32([[x, y] for y in places[::-1] for x in places]), block)[1] < 0.01
        left = number * 6 * 9 - 1  # columns of 8 pixels and a space
        corners = [patch.get_xy() for patch in figure.axes[0].patches if patch.get_hatch()]
        found = [[(y + 0.5) / 9 - 1, (x - left) // 9] for x, y in corners if 0 <= x - left < 5 * 9]
        assert sorted(found) == np.argwhere(far.reshape(5, 5)).tolist() and 0 < far.sum() < 25


@pytest.mark.parametrize("num", [100, 2000, 5000])
def test_contour_lines_have_shares_of_the_points_inside(num):
    from matplotlib.path import Path

    from keras_ae.explore.map_layers import contour_lines

    points = np.random.default_rng(0).normal(size=[num, 2])
    for share, lines in contour_lines(points).items():
        inside = sum(Path(line).contains_points(points) for line in lines).mean()
        np.testing.assert_allclose(inside, share, rtol=0, atol=0.02)  # straight pieces between cells
    assert list(contour_lines(points)) == [0.9, 0.5, 0.1] and contour_lines(points * [1, 0]) == {}


def test_density_is_that_of_the_normal_it_was_drawn_from():
    points = np.random.default_rng(0).normal(size=[2000, 2])
    x, y, p = kae.explore.density(points, steps=41)
    expected = norm.pdf(x) * norm.pdf(y)[:, np.newaxis]
    assert np.abs(p - expected).max() < 0.025  # of .16 at the top: 2,000 draws, and the kernel's width
    with pytest.raises(ValueError, match="not all on one line"):
        kae.explore.density(np.stack([np.arange(5.0)] * 2, axis=1))


def test_contours_of_equal_points_have_levels_in_order():
    from keras_ae.explore.map_layers import contour_levels

    points = np.repeat([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [1000, 1, 1], axis=0)
    x, y, p = kae.explore.density(points)
    assert (np.diff(contour_levels(points, x, y, p)) > 0).all()
    kae.explore.map_layers.contour_lines(points)


def test_thumbnails_do_not_overlap_and_none_could_be_added():
    points = np.random.default_rng(0).random([400, 2])
    chosen = kae.explore.spread_out(points, (0.1, 0.2))
    apart = np.abs(points[chosen][:, np.newaxis] - points[chosen]) >= (0.1, 0.2)
    assert (apart.any(axis=-1) | np.eye(len(chosen), dtype=bool)).all()
    free = (np.abs(points[:, np.newaxis] - points[chosen]) >= (0.1, 0.2)).any(axis=-1).all(axis=1)
    assert not free.any() and len(kae.explore.spread_out(points, (0.1, 0.2), num=3)) == 3


def test_sources_of_samples_are_where_they_say(vae, digits):
    x = digits[0]
    sources = kae.explore.sample_sources(vae, x[:600], x[600:700], num=4, searches=4, steps=2)
    assert list(sources) == ["data", "prior", "outside", "likely, yet bad"]
    np.testing.assert_allclose(sources["data"].codes, vae.encode(x[600:604]), atol=1e-5)
    np.testing.assert_allclose(sources["prior"].codes, vae.sample_codes(4, seed=0), atol=1e-6)
    assert (sources["outside"].support < 0.01).all()
    for source in sources.values():
        np.testing.assert_allclose(source.x, vae.decode(source.codes), atol=1e-5)
        distances = np.linalg.norm((source.x[:, np.newaxis] - x[:600]).reshape(4, 600, -1), axis=-1)
        np.testing.assert_allclose(source.distance, distances.min(axis=1), rtol=1e-4)  # float32
        assert source.nearest.tolist() == distances.argmin(axis=1).tolist()


def test_a_fitted_sampler_is_a_source_beside_the_prior(digits):
    x, model = digits[0], linear_vae(digits[0][:600])
    model.fit_sampler("normal", x[:600], verbose=False)
    sources = kae.explore.sample_sources(model, x[:600], x[600:700], num=3, steps=0)
    assert list(sources) == ["data", "prior", "sampler", "outside"]


def test_worst_and_borderline_rows_are_found_once():
    scores = np.array([0.0, 5.0, 9.0, 4.0, 4.3])
    worst, borderline = kae.explore.outlier_rows(scores, 4.4, 2)
    assert worst.tolist() == [2, 1] and borderline.tolist() == [4, 3]


def test_cluster_means_are_those_of_the_members_largest_first():
    x = np.concatenate([np.zeros([5, 2]), np.ones([9, 2]), 4 + np.ones([7, 2])])
    found = kae.explore.cluster_means(x, x, 3, np.repeat([0, 1, 2], [5, 9, 7]))
    assert found.sizes.tolist() == [9, 7, 5] and found.means[:, 0].tolist() == [1.0, 5.0, 0.0] and found.accuracy == 1.0
    assert kae.explore.cluster_means(x, x, 3).accuracy is None
    with pytest.raises(ValueError, match="`representation` must have 21 rows"):
        kae.explore.cluster_means(x, x[:3], 3)


def test_bands_are_quantiles_of_each_value():
    x = np.random.default_rng(0).normal(size=[200, 7, 2])
    np.testing.assert_allclose(kae.explore.bands(x), np.quantile(x, [0.05, 0.5, 0.95], axis=0))


def test_slices_of_volumes_lie_in_the_middle_of_equal_parts():
    x = np.arange(2 * 9 * 4 * 5).reshape(2, 9, 4, 5, 1)
    np.testing.assert_array_equal(kae.explore.volume_slices(x, num=3), x[:, [1, 4, 7]])
    np.testing.assert_array_equal(kae.explore.volume_slices(x, 2, 9), np.moveaxis(x, 3, 1))
    for wrong in (np.zeros([2, 3, 4, 1]), np.zeros([2, 3, 4, 5, 2])):
        with pytest.raises(ValueError, match="must have shape"):
            kae.explore.volume_slices(wrong)
    with pytest.raises(ValueError, match="`axis` must be"):
        kae.explore.volume_slices(x, 3)


def test_reconstructions_of_training_need_those_of_the_same_examples():
    x = np.zeros([2, 8, 8, 1])
    for recorded in ({}, {0: x[:1]}):
        with pytest.raises(ValueError, match="`reconstructions` must have shape"):
            kae.explore.learning(x, recorded)
