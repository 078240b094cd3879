"""Keras shows the parts of every model by name: `layers`, `get_layer`, `summary`."""

import keras
import numpy as np
import pytest
from subjects import EVENT, TABLE, X, in_short_run, make, rows

import keras_ae as kae

SOME = in_short_run("cvae", "vqvae", "hierarchical_vae", "semi_supervised_vae")
PLACES = {"posterior": "posterior_layer", "prior": "prior_layer", "likelihood": "likelihood_layer"}


@pytest.fixture(autouse=True)
def _wide(monkeypatch):
    """Rows of the table are single lines."""
    monkeypatch.setenv("COLUMNS", "160")


def summary(model, **arguments):
    lines = []
    model.summary(line_length=150, print_fn=lines.append, **arguments)
    return "\n".join(lines)


def parts(model):
    """The parts that a model has before anything was fitted, by their names."""
    names = ("encoder", "decoder", "posterior", "prior", "likelihood", "objective", "condition", "classifier")
    found = {name: getattr(model, PLACES.get(name, name), None) for name in names}
    return {name: part for name, part in found.items() if part is not None}


@pytest.mark.parametrize("name", SOME)
def test_summary_has_a_row_with_a_shape_and_a_number_for_each_part(name):
    model, _ = make(name)
    assert all(f" {part} (" in summary(model) for part in parts(model))  # before it is built, as Keras does
    assert "(unbuilt)" in summary(model) and not model.built
    model.build((None, *EVENT))
    text = summary(model, expand_nested=True, show_trainable=True)
    table = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if "│" in line]
    table = {row[0].partition(" (")[0]: row[1:] for row in table}
    for part, layer in parts(model).items():
        assert model.get_layer(part) is layer and layer in model.layers
        shape, number, trained = table[part]
        assert shape.startswith("(None")
        flag = "Y" if layer.trainable else "N"
        assert number == f"{layer.count_params():,}" and trained == (flag if layer.weights else "-")
    assert table["likelihood"][0] == f"(None, {', '.join(map(str, EVENT))})"
    if "prior" in table:
        assert table["prior"][0] == "(None)"  # the log-density of each code


def test_networks_keep_the_names_that_they_were_given():
    encoder = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(4, name="features")], name="backbone")
    model = kae.models.VAE(encoder, latent_dim=2)
    model.encode(X)
    assert [layer.name for layer in model.layers[:2]] == ["backbone", "decoder"]
    assert model.get_layer("encoder") is model.get_layer("backbone") is model.get_layer(index=0) is encoder
    assert model.get_layer("encoder").get_layer("features").units == 4
    with pytest.raises(ValueError, match="No such layer: features"):
        model.get_layer("features")
    with pytest.raises(ValueError, match="No such layer: sampler"):  # which it has not
        model.get_layer("sampler")


def test_names_survive_files_and_do_not_depend_on_the_models_before(tmp_path):
    for _ in range(2):
        model = kae.models.VAE(latent_dim=2)
        model.encode(X)
        assert [layer.name for layer in model.layers] == [*parts(model)]
    model.fit_sampler("normal", X, verbose=False)
    assert model.get_layer("sampler") is model.sampler and model.sampler.name == "sampler"
    model.save(tmp_path / "model.keras")
    assert [layer.name for layer in kae.load(tmp_path / "model.keras").layers] == [each.name for each in model.layers]


def test_files_with_the_names_that_keras_makes_of_classes_are_loaded(tmp_path):
    """As they were written before the parts had names of their own."""
    model, values = make("ladder_vae")
    model.build((None, *EVENT))
    for number, layer in enumerate(model.layers):
        layer.name = f"{type(layer).__name__.lower()}_{number}"
    model.save(tmp_path / "old.keras")
    loaded = kae.load(tmp_path / "old.keras")
    assert [layer.name for layer in loaded.layers] == [*parts(model)]
    values = rows(values, 4)
    np.testing.assert_allclose(loaded.reconstruct(X[:4], values), model.reconstruct(X[:4], values), rtol=1e-5)


def test_every_model_is_walked():
    assert {each.values[0] for each in SOME} == set(TABLE)
