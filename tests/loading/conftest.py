import zipfile

import pytest

import keras_ae as kae
from keras_ae.networks import MLP


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    """{name: content} of the file of a small model."""
    path = tmp_path_factory.mktemp("model") / "model.keras"
    model = kae.Autoencoder(MLP([3]), MLP([3]), latent_dim=2)
    model.compile()
    model.build((None, 2, 2, 1))
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
