"""Model files keep the names under which version 0.1.0 stores weights: other names could not be loaded."""

import zipfile

import h5py
import pytest

import keras_ae as kae


@pytest.mark.parametrize(
    ("cls", "names"),
    [
        (kae.models.AdversarialAE, {"adversarial_matching", "bernoulli", "deterministic"}),
        (kae.models.FactorVAE, {"adversarial_total_correlation", "bernoulli", "diagonal_normal"}),
        (kae.models.VampPriorVAE, {"bernoulli", "diagonal_normal", "vamp_prior"}),
    ],
)
def test_weights_are_stored_under_the_same_names(tmp_path, cls, names):
    model = cls(latent_dim=2)
    model.build((None, 4, 4, 1))
    model.save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive, h5py.File(archive.open("model.weights.h5")) as file:
        groups = {name for name in file if _has_arrays(file[name])}
        assert groups == {"decoder", "encoder", "layers"}
        assert {name for name in file["layers"] if _has_arrays(file["layers"][name])} == names


def _has_arrays(group):
    found = []
    group.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    return bool(found)
