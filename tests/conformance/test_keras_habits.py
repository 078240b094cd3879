"""What users of Keras do with a model by habit: each habit with each kind of model."""

import copy
import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from subjects import PAIRS, X, make, rows, to_learn
from tiers import first

import keras_ae as kae
from keras_ae.parts import set_trainable_flags, trainable_flags

NUM = 8
SHORT = [("vae", "none"), ("cvae", "mixed")]
KINDS = [pytest.param(*pair, marks=() if pair in SHORT else pytest.mark.slow) for pair in PAIRS]


@functools.cache
def fitted(name, condition):
    """A model, and inputs as it is called with."""
    model, values = make(name, condition, run_eagerly=True)
    few = rows(values, NUM)
    model.fit(X[:NUM], to_learn(name, few), batch_size=NUM, verbose=0)
    return model, X[:NUM] if values is None else (X[:NUM], few)


def parts(inputs):
    """Examples and condition."""
    return inputs if isinstance(inputs, tuple) else (inputs, None)


def flat(inputs):
    """What a functional model takes."""
    leaves = keras.tree.flatten(inputs)
    return leaves if len(leaves) > 1 else leaves[0]


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def called_in_a_function(model, inputs, tmp_path):
    close(tf.function(lambda: model(inputs))(), model.reconstruct(*parts(inputs)))


def called_with_two_arguments(model, inputs, tmp_path):
    x, condition = parts(inputs)
    close(model(x, condition, training=True), model.reconstruct(x, condition))


def called_on_symbolic_tensors(model, inputs, tmp_path):
    x = keras.Input(X.shape[1:])
    if model.condition is None:
        symbolic, ends = x, x
    else:
        given = {name: keras.Input(shape, dtype=dtype) for name, (dtype, shape) in model.condition.specs().items()}
        symbolic, ends = (x, model.condition.from_named(given)), [x, *given.values()]
    functional = keras.Model(ends, model(symbolic))
    assert functional.output.dtype == "float32" and functional.output.shape == (None, *X.shape[1:])
    close(functional(flat(inputs)), model(inputs))


def predicted_on_a_batch(model, inputs, tmp_path):
    close(model.predict_on_batch(inputs), model(inputs))


def weights_out_and_in(model, inputs, tmp_path):
    weights = model.get_weights()
    assert model.count_params() == sum(weight.size for weight in weights)
    model.set_weights([np.zeros_like(weight) for weight in weights])
    assert not any(weight.any() for weight in model.get_weights())
    model.set_weights(weights)
    for found, expected in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(found, expected)


def layers_frozen_one_by_one(model, inputs, tmp_path):
    number, kept = len(model.trainable_variables), trainable_flags(model)  # a model may keep layers from training
    for layer in model.layers:
        layer.trainable = False
    assert model.trainable_variables == []
    for layer in model.layers:
        layer.trainable = True
    set_trainable_flags(model, kept)
    assert len(model.trainable_variables) == number > 0


def renamed(model, inputs, tmp_path):
    other = type(model).from_config({**model.get_config(), "name": "mine"})
    assert other.name == other.get_config()["name"] == "mine"


def encoder_in_a_sequential(model, inputs, tmp_path):
    if model.condition is None:
        assert keras.Sequential([model.encoder, keras.layers.Dense(3)])(inputs).shape == (NUM, 3)
    else:
        x, condition = inputs
        assert model.encoder([x, model.condition(condition)]).shape[0] == NUM


def written_as_json(model, inputs, tmp_path):
    text = model.to_json()
    other = keras.models.model_from_json(text)
    assert type(other) is type(model) and other.built and other.to_json() == text


def cloned_and_copied(model, inputs, tmp_path):
    twin, clone = copy.deepcopy(model), keras.models.clone_model(model)
    np.testing.assert_array_equal(twin(inputs), model(inputs))
    assert type(clone) is type(model) and len(clone.weights) == len(model.weights)
    assert np.abs(clone(inputs) - model(inputs)).max() > 1e-3  # weights are drawn anew


def weights_in_a_file(model, inputs, tmp_path):
    model.save_weights(tmp_path / "model.weights.h5")
    other = type(model).from_config(model.get_config())
    other.build((None, *X.shape[1:]))
    other.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(other(inputs), model(inputs))


def stopped_by_a_callback(model, inputs, tmp_path):
    class Stopping(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = True

    other = copy.deepcopy(model)
    history = other.fit(*parts(inputs), epochs=3, callbacks=[Stopping()], verbose=0)
    assert history.epoch == [0] and other.history is history and other.stop_training


def shapes(model, inputs, tmp_path):
    assert model.output_shape == model.compute_output_shape((None, *X.shape[1:])) == (None, *X.shape[1:])
    given = keras.tree.flatten(inputs)
    shapes = model.input_shape if model.condition is not None else [model.input_shape]
    assert [(None, *tensor.shape[1:]) for tensor in given] == shapes
    pair = [X.shape, *(tensor.shape for tensor in given[1:])]
    assert model.compute_output_shape(pair if len(given) > 1 else X.shape) == X.shape


def rebuilt_from_its_ends(model, inputs, tmp_path):
    functional = keras.Model(model.input, model.output)
    close(functional(flat(inputs)), model(inputs))
    assert model.input is model.input  # made once


def metrics(model, inputs, tmp_path):
    values = model.evaluate(*parts(inputs), verbose=0)
    assert model.metrics_names == [metric.name for metric in model.metrics]
    shown = model.get_metrics_result()
    assert values == [float(shown[name]) for name in model.metrics_names]
    model.reset_metrics()
    assert not any(float(value) for value in model.get_metrics_result().values())


def compiled(model, inputs, tmp_path):
    assert model.compiled and model.run_eagerly is True and model.loss is None and model.losses == []
    assert float(model.optimizer.learning_rate) == np.float32(0.01)
    other = type(model).from_config(model.get_config())
    other.compile_from_config(model.get_compile_config())
    assert other.optimizer.get_config() == model.optimizer.get_config()


def state_out_and_in(model, inputs, tmp_path):
    tree = model.get_state_tree(value_format="numpy_array")
    before = model.get_weights()
    model.set_state_tree(tree)
    for found, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, expected)


def quantized(model, inputs, tmp_path):
    with pytest.raises(NotImplementedError, match=r'keras_ae\.export\.litert\(.*quantize="int8"\)'):
        model.quantize("int8")


def drawn(model, inputs, tmp_path):
    """The picture needs pydot, and says so."""
    if keras.src.utils.model_visualization.check_pydot():
        keras.utils.model_to_dot(model, show_shapes=True)
    else:
        with pytest.raises(ImportError, match="pydot"):
            keras.utils.model_to_dot(model, show_shapes=True)


HABITS = [
    called_in_a_function, called_with_two_arguments, called_on_symbolic_tensors, predicted_on_a_batch,
    weights_out_and_in, layers_frozen_one_by_one, renamed, encoder_in_a_sequential, written_as_json, cloned_and_copied,
    weights_in_a_file, stopped_by_a_callback, shapes, rebuilt_from_its_ends, metrics, compiled, state_out_and_in,
    quantized, drawn,
]  # fmt: skip


@pytest.mark.parametrize(("name", "condition"), KINDS)
@pytest.mark.parametrize("habit", HABITS, ids=lambda habit: habit.__name__)
def test_habit(habit, name, condition, tmp_path):
    habit(*fitted(name, condition), tmp_path)


def test_before_it_is_built_a_model_has_what_other_models_have():
    model = kae.models.VAE()
    for name in ("input", "output", "input_shape", "output_shape"):
        with pytest.raises(AttributeError, match="never been called"):
            getattr(model, name)
    with pytest.raises(ValueError, match="isn't built"):
        model.count_params()
    assert model.weights == [] and not model.compiled
    with pytest.raises(ValueError, match="not yet been built"):
        keras.utils.model_to_dot(model)


@pytest.mark.bfloat16
@pytest.mark.parametrize("policy", first(1, ["mixed_bfloat16", "mixed_float16"]))
@pytest.mark.parametrize(("name", "condition"), KINDS)
def test_mixed_precision_gives_the_same_by_every_way(policy, name, condition):
    """Nothing is rounded before it is checked, and what comes out is in float32."""
    keras.config.set_dtype_policy(policy)
    try:
        model, values = make(name, condition, run_eagerly=True)
        few = rows(values, NUM)
        model.fit(X[:NUM], to_learn(name, few), batch_size=NUM, verbose=0)
        inputs = X[:NUM] if few is None else (X[:NUM], few)
        expected = model.reconstruct(X[:NUM], few)
        functional = keras.Model(model.input, model.output)
        for found in model(inputs), model.predict_on_batch(inputs), functional(flat(inputs)):
            assert found.dtype == expected.dtype == tf.float32
            np.testing.assert_allclose(found, expected, rtol=0.01, atol=0.01)  # one step of 8 bits of mantissa
    finally:
        keras.config.set_dtype_policy("float32")
