import keras
import numpy as np
import pytest

import keras_ae as kae
from keras_ae.explore.interpolation import slerp


def built(cls=kae.models.VAE, event=(4, 4, 1), **options):
    model = cls(kae.networks.MLP([8]), kae.networks.MLP([8]), **{"latent_dim": 2, **options})
    model.build((None, *event))
    return model


@pytest.fixture(scope="module")
def vae():
    keras.utils.set_random_seed(1)
    return built()


@pytest.fixture(scope="module")
def cvae():
    keras.utils.set_random_seed(1)
    return built(kae.models.ConditionalVAE, condition=kae.Categorical(3))


def test_traversal_decodes_the_codes_it_says(vae):
    images = kae.explore.traversal(vae, dims=[1], steps=3, limits=(-2, 2))
    expected = vae.decode([[0.0, -2.0], [0.0, 0.0], [0.0, 2.0]])
    np.testing.assert_allclose(images[0], expected, atol=1e-6)


def test_traversal_starts_from_the_code_of_an_example(vae):
    x = np.random.default_rng(0).random((4, 4, 1))
    code = vae.encode(x[np.newaxis])[0].numpy()
    images = kae.explore.traversal(vae, x, steps=2, limits=(-1, 1))
    assert images.shape == (2, 2, 4, 4, 1)
    np.testing.assert_allclose(images[0, 1], vae.decode([[1.0, code[1]]])[0], atol=1e-6)


def test_traversal_holds_the_condition(cvae):
    images = kae.explore.traversal(cvae, condition=2, steps=3)
    np.testing.assert_allclose(images[0, 1], cvae.decode([[0.0, 0.0]], [2])[0], atol=1e-6)


@pytest.mark.parametrize(
    "options", [{"dims": [2]}, {"dims": []}, {"dims": [0.5]}, {"steps": 1}, {"limits": (0, np.inf)}]
)
def test_traversal_refuses_what_is_not_there(vae, options):
    with pytest.raises(ValueError, match="must"):
        kae.explore.traversal(vae, **options)


@pytest.mark.parametrize("method", ["linear", "spherical"])
def test_interpolation_ends_at_the_two_reconstructions(vae, method):
    start, end = np.random.default_rng(0).random((2, 3, 4, 4, 1))
    images = kae.explore.interpolation(vae, start, end, steps=4, method=method)
    assert images.shape == (3, 4, 4, 4, 1)
    np.testing.assert_allclose(images[:, 0], vae.reconstruct(start), atol=1e-5)
    np.testing.assert_allclose(images[:, -1], vae.reconstruct(end), atol=1e-5)


def test_interpolation_gives_each_row_its_own_condition(cvae):
    start, end = np.random.default_rng(0).random((2, 2, 4, 4, 1))
    images = kae.explore.interpolation(cvae, start, end, [0, 2], steps=3)
    np.testing.assert_allclose(images[:, 0], cvae.reconstruct(start, [0, 2]), atol=1e-5)


def test_interpolation_refuses_unequal_numbers_of_examples(vae):
    with pytest.raises(ValueError, match="equal numbers of examples"):
        kae.explore.interpolation(vae, np.zeros([2, 4, 4, 1]), np.zeros([1, 4, 4, 1]))
    with pytest.raises(ValueError, match="method"):
        kae.explore.interpolation(vae, np.zeros([1, 4, 4, 1]), np.zeros([1, 4, 4, 1]), method="cubic")


def test_spherical_way_keeps_the_length_of_codes():
    t = np.linspace(0, 1, 5)[:, np.newaxis]
    way = slerp(np.array([[[3.0, 0.0]]]), np.array([[[0.0, 3.0]]]), t)
    np.testing.assert_allclose(np.linalg.norm(way, axis=-1), 3.0)
    np.testing.assert_allclose(way[0, 2], [3 * np.sqrt(0.5)] * 2)


@pytest.mark.parametrize("last", [[2.0, 2.0], [-1.0, -1.0], [0.0, 0.0]])
def test_spherical_way_between_parallel_codes_is_a_line(last):
    way = slerp(np.array([[[1.0, 1.0]]]), np.array([[last]]), np.array([[0.0], [0.5], [1.0]]))
    np.testing.assert_allclose(way[0, 1], (np.array([1.0, 1.0]) + last) / 2, atol=1e-6)


def test_manifold_is_decoded_at_normal_quantiles(vae):
    images = kae.explore.manifold(vae, steps=3)
    quantile = 0.967422  # of 5/6
    np.testing.assert_allclose(images[0, 0], vae.decode([[-quantile, quantile]])[0], atol=1e-5)
    np.testing.assert_allclose(images[1, 1], vae.decode([[0.0, 0.0]])[0], atol=1e-5)


def test_manifold_needs_a_plane():
    with pytest.raises(ValueError, match="latent_dim=2"):
        kae.explore.manifold(built(latent_dim=3))


def test_two_dimensional_codes_stay_as_they_are():
    codes = np.random.default_rng(0).normal(size=(9, 2)).astype(np.float32)
    points, names = kae.explore.codes_2d(codes)
    np.testing.assert_array_equal(points, codes)
    assert names == ("code 1", "code 2")


def test_pca_finds_the_plane_that_codes_lie_in():
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(50, 2)) * [3, 1]
    codes = plane @ np.linalg.qr(rng.normal(size=(5, 2)))[0].T
    points, names = kae.explore.codes_2d(codes)
    distances = np.linalg.norm(plane[:, None] - plane, axis=-1)
    np.testing.assert_allclose(np.linalg.norm(points[:, None] - points, axis=-1), distances, atol=1e-4)
    assert "of the variance" in names[0]


def test_codes_that_are_all_the_same_have_a_map():
    points, _ = kae.explore.codes_2d(np.ones([5, 4]))
    np.testing.assert_allclose(points, 0)


def test_codes_of_one_dimension_have_a_map():
    assert kae.explore.codes_2d(np.ones([5, 1]))[0].shape == (5, 2)


@pytest.mark.parametrize(
    ("codes", "method"), [(np.zeros([4, 3]), "isomap"), (np.zeros([4, 3]), "identity"), (np.zeros([2, 3]), "pca")]
)
def test_codes_that_a_method_cannot_take_are_refused(codes, method):
    with pytest.raises(ValueError, match=r"must|needs"):
        kae.explore.codes_2d(codes, method)


def test_codes_with_nan_are_refused():
    with pytest.raises(ValueError, match="finite"):
        kae.explore.codes_2d(np.full([4, 3], np.nan))


def test_umap_that_is_not_installed_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "umap", None)
    with pytest.raises(ImportError, match=r"keras_ae\[umap\]"):
        kae.explore.codes_2d(np.zeros([4, 3]), "umap")
