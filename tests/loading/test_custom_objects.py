"""Models with classes of a user's own, which may not be registered."""

import keras
import numpy as np
import pytest
from tiers import first

import keras_ae as kae

X = np.random.default_rng(0).random((8, 5)).astype("float32")


class OwnVAE(kae.models.VAE):
    pass


class OwnNetwork(keras.layers.Dense):
    pass


class OwnPrior(kae.latents.StandardNormal):
    pass


def double(x):
    return 2 * x


OWN = {
    "class OwnVAE": (OwnVAE, {}),
    "class OwnNetwork": (kae.models.VAE, {"encoder": lambda: OwnNetwork(3)}),
    "class OwnPrior": (kae.models.VAE, {"prior": OwnPrior}),
    "function double": (kae.models.VAE, {"encoder": lambda: keras.layers.Dense(3, activation=double)}),
}


@pytest.mark.parametrize("what", first(2, OWN))
def test_what_is_not_registered_is_named_and_can_be_given(what, tmp_path):
    cls, parts = OWN[what]
    model = cls(latent_dim=2, **{name: make() for name, make in parts.items()})
    model.compile(run_eagerly=True)
    model.train_on_batch(X)
    path, name = tmp_path / "own.keras", what.split()[1]
    model.save(path)
    sentence = (
        rf"^{path} needs the {what}, which is not registered: .* or load with custom_objects={{'{name}': {name}}}\.$"
    )
    with pytest.raises(ValueError, match=sentence):
        kae.load(path)
    loaded = kae.load(path, custom_objects={name: globals()[name]})
    assert type(loaded) is cls
    np.testing.assert_array_equal(loaded.encode(X), model.encode(X))
    for one, other in zip(loaded.optimizer_variables, model.optimizer_variables, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_name_in_a_file_may_have_a_package(tmp_path):
    registered = keras.saving.register_keras_serializable("mine")(type("Packed", (kae.models.VAE,), {}))
    model = registered(latent_dim=2)
    model.build((None, 5))
    model.save(tmp_path / "a.keras")
    del keras.saving.get_custom_objects()["mine>Packed"]
    with pytest.raises(ValueError, match=r"needs the class Packed, .* custom_objects={'mine>Packed': Packed}"):
        kae.load(tmp_path / "a.keras")
    assert type(kae.load(tmp_path / "a.keras", custom_objects={"mine>Packed": registered})) is registered


def test_a_model_can_be_loaded_without_its_optimizer(tmp_path):
    model = kae.models.VAE(latent_dim=2)
    model.compile(run_eagerly=True)
    model.train_on_batch(X)
    model.save(tmp_path / "a.keras")
    loaded = kae.load(tmp_path / "a.keras", compile=False)
    assert not loaded.compiled
    np.testing.assert_array_equal(loaded.encode(X), model.encode(X))
