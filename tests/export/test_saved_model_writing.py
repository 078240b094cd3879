"""A SavedModel is written beside its place, and a model that cannot be one is refused before anything is written."""

import types

import numpy as np
import pytest
import tensorflow as tf

import keras_ae as kae
from keras_ae.export.signatures.server import most_rows


def test_an_existing_directory_is_refused_and_kept(cvae, tmp_path):
    (tmp_path / "saved_model.pb").write_text("old")
    with pytest.raises(FileExistsError, match="`directory` must not exist, because"):
        kae.export.saved_model(cvae, tmp_path)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_overwrite_replaces_the_directory(small, tmp_path, in_process):
    target = tmp_path / "1"
    target.mkdir()
    (target / "saved_model.pb").write_text("old")
    (target / "old").write_text("old")
    card = kae.export.saved_model(small(), target, overwrite=True)
    assert (target / "saved_model.pb").is_file() and not (target / "old").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1"]
    assert "condition" not in card.signatures["decode"]["inputs"]


def test_overwrite_does_not_replace_what_is_no_export(cvae, tmp_path):
    (tmp_path / "thesis.txt").write_text("four years")
    with pytest.raises(FileExistsError, match="`directory` must hold a SavedModel to be replaced"):
        kae.export.saved_model(cvae, tmp_path, overwrite=True)
    assert (tmp_path / "thesis.txt").is_file()


@pytest.mark.parametrize(
    ("model", "error", "sentence"),
    [
        (object(), TypeError, "`model` must be a keras_ae model. Received: object"),
        (kae.models.VAE, TypeError, "`model` must be a keras_ae model. Received: VAE"),
        (lambda: kae.models.VAE(latent_dim=2), ValueError, "call `fit` before the export"),
    ],
)
def test_wrong_models_are_refused_before_anything_is_written(model, error, sentence, tmp_path):
    model = model() if not isinstance(model, type) and callable(model) else model
    with pytest.raises(error, match=sentence):
        kae.export.saved_model(model, tmp_path / "a" / "1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["seed", "temperature", "x", "class", "self", "größe", "_hidden"])
def test_a_property_whose_name_cannot_be_that_of_an_input_is_refused(small, tmp_path, name):
    with pytest.raises(ValueError, match=f"The name of a property in an export must consist of .* Received: '{name}'"):
        kae.export.saved_model(small({name: kae.Categorical(3)}), tmp_path / "1")


def test_a_model_of_nan_is_refused(small, tmp_path):
    model = small()
    model.decoder.weights[0].assign(np.full(model.decoder.weights[0].shape, np.nan))
    with pytest.raises(ValueError, match="`model` must give finite numbers"):
        kae.export.saved_model(model, tmp_path / "1")


def test_max_num_must_be_positive(cvae, tmp_path):
    with pytest.raises(ValueError, match="`max_num` must be"):
        kae.export.saved_model(cvae, tmp_path / "1", max_num=0)


@pytest.mark.parametrize(
    ("event_shape", "num"), [((8, 8, 1), 4096), ((64, 64, 3), 4096), ((256, 256, 3), 341), ((9000, 9000), 1)]
)
def test_the_examples_of_a_call_take_256_mib_at_most(event_shape, num):
    model = types.SimpleNamespace(event_shape=event_shape)
    assert most_rows(model) == num
    assert num == 1 or 4 * num * np.prod(event_shape) <= 2**28


@pytest.mark.slow
def test_a_server_refuses_more_rows_than_large_pictures_allow(small, tmp_path, in_process):
    card = kae.export.saved_model(small(event_shape=(256, 256, 3)), tmp_path / "1")
    assert "`num` and the number of rows of a call are at most 341." in card.limits
    signatures = tf.saved_model.load(str(tmp_path / "1")).signatures
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"`num` must be in \[1, 341\]"):
        signatures["generate"](seed=tf.constant(1), num=tf.constant(342), temperature=tf.constant(1.0))
    with pytest.raises(tf.errors.InvalidArgumentError, match="`z` must have 1 to 341 rows"):
        signatures["decode"](z=tf.zeros([342, 4]))


def test_a_link_that_leads_nowhere_is_refused_and_kept(cvae, tmp_path):
    target = tmp_path / "model"
    target.symlink_to(tmp_path / "gone")
    for overwrite in (False, True):
        with pytest.raises(FileExistsError, match=r"`directory` must not be a broken link. Received: .*model$"):
            kae.export.saved_model(cvae, target, overwrite=overwrite)
    with pytest.raises(
        NotADirectoryError,
        match=r"could not be written, and nothing was changed: .*/model is a broken link$",
    ):
        kae.export.saved_model(cvae, target, version="next")
    assert [path.is_symlink() for path in tmp_path.iterdir()] == [True]


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"event_shape": (8, 8, 2)}, r"`png` needs images .* Received: examples of shape \(8, 8, 2\)"),
        ({"event_shape": (64,)}, r"`png` needs images .* Received: examples of shape \(64,\)"),
        ({"likelihood": "normal"}, r"`png` needs a likelihood of values in \[0, 1\], .* Received: Normal"),
    ],
)
def test_png_of_what_is_no_picture_is_refused(small, tmp_path, parts, sentence):
    with pytest.raises(ValueError, match=sentence):
        kae.export.saved_model(small(**parts), tmp_path / "1", png=True)
    assert list(tmp_path.iterdir()) == []
