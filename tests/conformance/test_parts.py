"""Every part of the zoo in a small model, and the recipes of CONTRIBUTING.md for new ones."""

import inspect
import pathlib
import re

import keras
import numpy as np
import parts
import pytest
import tensorflow as tf
from parts import PARTS, ROWS, TABLES, parts_with
from subjects import TABLE, prepare
from tiers import every_second

import keras_ae as kae
from keras_ae.step_context import StepContext

X = np.random.default_rng(0).random((6, 5, 4, 1)).astype("float32")
LABELS = np.arange(6) % 3
TESTS = pathlib.Path(__file__).parents[1]
PAGE = (TESTS.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^\| \*\*(\w+)\*\* \| (.*) \|$", PAGE, re.MULTILINE))
EXPORTS = {"saved_model": "test_saved_model.py", "litert": "test_litert.py", "onnx": "test_onnx.py"}


def check_rows(kind, names, rows):
    missing, gone = sorted(set(names) - set(rows)), sorted(set(rows) - set(names))
    assert not missing, f"{', '.join(missing)}: no row in the tests. {RECIPES[kind]}"
    assert not gone, f"{', '.join(gone)}: a row in the tests, but no such {kind}."


@pytest.mark.parametrize("kind", TABLES)
def test_every_part_has_its_row(kind):
    check_rows("network" if kind in ("encoder", "decoder") else kind, TABLES[kind], ROWS[kind])


def test_every_model_has_its_row():
    check_rows("model", kae.models.MODELS, TABLE)


def test_every_exporter_has_its_tests():
    names = [name for name in kae.export.__all__ if name.islower() and name not in ("verify", "litert_metadata")]
    check_rows("exporter", names, EXPORTS)
    for name, file in EXPORTS.items():
        text = (TESTS / "export" / file).read_text(encoding="utf-8")
        assert name in text, f"{name}: not in {file}. {RECIPES['exporter']}"


def metrics_without_test(names):
    """Names that no file in tests/evaluate has as a word."""
    texts = [path.read_text(encoding="utf-8") for path in (TESTS / "evaluate").rglob("test_*.py")]
    return [name for name in names if not any(re.search(rf"\b{name}\b", text) for text in texts)]


def test_every_metric_and_function_of_evaluation_is_named_by_a_test():
    rooms = [kae.evaluate, *(getattr(kae.evaluate, name, None) for name in kae.evaluate.FAMILIES)]
    functions = {name for room in rooms if inspect.ismodule(room) for name in room.__all__ if name.islower()}
    missing = metrics_without_test(sorted({*kae.evaluate.METRICS, *functions}))
    assert not missing, f"{', '.join(missing)}: no test in tests/evaluate/ names it. {RECIPES['metric']}"
    assert metrics_without_test(["log_likelihood", "log_likelihoo"]) == ["log_likelihoo"]


def starts_twice(weights):
    """Weights that start at the values of another: one random initializer was used for both."""
    values = [(weight.path, np.ravel(weight)[:3]) for weight in weights]
    drawn = [(path, start) for path, start in values if len(np.unique(start)) == 3]
    return [path for i, (path, start) in enumerate(drawn) if any((start == one).all() for _, one in drawn[:i])]


def test_weights_of_one_initializer_are_found():
    layer, start = keras.layers.Layer(), keras.initializers.RandomNormal()
    weights = [layer.add_weight(name=name, shape=(2, 3), initializer=start) for name in "ab"]
    assert starts_twice(weights) == [weights[1].path] and not starts_twice(weights[:1])


@pytest.mark.parametrize(("kind", "name"), every_second([each for each in PARTS if each[0] != "sampler"]))
def test_a_model_with_a_part_has_gradients_and_a_config(kind, name):
    """Samplers are in no model before they are fitted: tests/latents/samplers has them."""
    given = parts_with(kind, name)
    small = {each: given.get(each) or parts.part(each, "mlp") for each in ("encoder", "decoder")}
    model = kae.Autoencoder(**{**given, **small}, condition=kae.Categorical(3))
    config = model.get_config()
    assert type(model).from_config(config).get_config() == config
    support = model.likelihood_layer.support
    x = np.round(9 * X) if support is not None and support.whole else X
    prepare(model, x, LABELS)
    assert not starts_twice(model.trainable_variables)
    with tf.GradientTape() as tape:
        terms = model.terms(x, tf.constant(LABELS), StepContext(tf.constant([1, 2]), training=True))
        loss = tf.reduce_mean(terms["loss"])
    assert all(values.shape == (6,) and np.isfinite(values).all() for values in terms.values())
    gradients = zip(model.trainable_variables, tape.gradient(loss, model.trainable_variables), strict=True)
    found = {variable.path: tf.convert_to_tensor(each) for variable, each in gradients if each is not None}
    assert all(np.isfinite(each).all() for each in found.values())
    for part in (model.encoder, model.decoder, model.prior_layer):
        trained = [] if part is None else part.trainable_variables
        assert not trained or any(variable.path in found for variable in trained)


def test_a_part_without_a_row_fails_with_its_recipe():
    for kind in ("model", "network", "posterior", "prior", "sampler", "likelihood", "objective", "exporter"):
        with pytest.raises(AssertionError, match=f"new: no row in the tests. {re.escape(RECIPES[kind][:20])}"):
            check_rows(kind, ["new"], [])
