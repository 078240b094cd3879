import numpy as np
import pytest

import keras_ae as kae


def bowl(num):
    """Codes on a curved surface of two dimensions among four."""
    u, v = np.random.default_rng(0).uniform(-1, 1, (2, num))
    return np.stack([u, v, u**2 + v**2, np.sin(2 * u)], axis=1).astype(np.float32)


@pytest.mark.slow
def test_it_decodes_codes_on_a_curved_surface_better_than_principal_components(capfd):
    codes = bowl(600)
    plane = kae.explore.code_plane(codes, epochs=200, verbose=1)
    rest = np.mean((plane.decode(plane.encode(codes)) - codes) ** 2) / codes.var(axis=0).mean()
    centered = codes - codes.mean(axis=0)
    singular = np.linalg.svd(centered, compute_uv=False) ** 2
    assert rest < 0.02 < 0.1 < singular[2:].sum() / singular.sum()  # of the variance, what two components leave out
    said = capfd.readouterr()
    assert said.out == "" and "plane of the codes  epoch 200/200" in said.err


@pytest.mark.slow
def test_one_seed_gives_one_map():
    codes = bowl(50) * 10 + 5
    maps = [kae.explore.codes_2d(codes, "autoencoder", seed=seed) for seed in (3, 3, 4)]
    assert maps[0][1] == ("autoencoder 1", "autoencoder 2") and maps[0][0].shape == (50, 2)
    np.testing.assert_array_equal(maps[0][0], maps[1][0])
    assert np.abs(maps[0][0] - maps[2][0]).max() > 0.1


def test_points_and_codes_have_the_shapes_and_the_scale_of_the_codes():
    codes = 100 + 10 * np.random.default_rng(0).normal(size=[20, 5])
    plane = kae.explore.code_plane(codes, epochs=1)
    points = plane.encode(codes)
    assert points.shape == (20, 2) and np.abs(points).max() < 10
    assert np.abs(plane.decode(points).mean() - 100) < 20  # 10 is a standard deviation


@pytest.mark.parametrize("codes", [np.zeros([2, 3]), np.zeros([4]), np.full([4, 3], np.nan)])
def test_wrong_codes_are_refused(codes):
    with pytest.raises(ValueError, match="`codes` must"):
        kae.explore.code_plane(codes)
