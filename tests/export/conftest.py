import pytest

import keras_ae as kae
from keras_ae.export import comparison, stranger
from keras_ae.networks import MLP


@pytest.fixture(scope="session")
def small():
    """A function that builds a small model; its pictures depend on codes and condition without any training."""

    def build(condition=None, *, encoder=None, decoder=None, event_shape=(8, 8, 1), **parts):
        networks = encoder or MLP([16]), decoder or MLP([64])
        model = kae.Autoencoder(*networks, latent_dim=4, condition=condition, **parts)
        model.build((None, *event_shape))
        return model

    return build


@pytest.fixture(scope="session")
def cvae(small):
    return small(kae.Categorical(10))


@pytest.fixture
def in_process(monkeypatch):
    """Exports are run by this process, not by another one that would take seconds to start."""
    monkeypatch.setattr(comparison, "_run", lambda kind, *paths: stranger.answer(kind, *map(str, paths)))
