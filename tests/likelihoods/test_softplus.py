"""softplus and 1 - exp(-x) are their formulas, also in LiteRT where graphs are traced for it."""

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from keras_ae.likelihoods.softplus import one_minus_exp, portable, softplus

X = np.concatenate([np.linspace(-80, 80, 161), [-1e-3, 1e-3, -17.5]]).astype(np.float32)
POSITIVE = np.geomspace(1e-6, 80, 164).astype(np.float32)
FUNCTIONS = {
    "softplus": (softplus, X, lambda x: np.logaddexp(0.0, x)),
    "one_minus_exp": (one_minus_exp, POSITIVE, lambda x: -np.expm1(-x)),
}


def in_litert(function, x):
    traced = tf.function(function, input_signature=[tf.TensorSpec(x.shape, tf.float32)]).get_concrete_function()
    interpreter = Interpreter(model_content=tf.lite.TFLiteConverter.from_concrete_functions([traced]).convert())
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_value_keeps_its_digits(name):
    function, x, expected = FUNCTIONS[name]
    expected = expected(x.astype(np.float64))
    np.testing.assert_allclose(function(tf.constant(x)), expected, rtol=1e-6)
    with portable():
        np.testing.assert_allclose(function(tf.constant(x)), expected, rtol=1e-6)
        np.testing.assert_allclose(in_litert(function, x), expected, rtol=5e-6)  # LiteRT's exp has an error of 1e-6


@pytest.mark.parametrize("name", FUNCTIONS)
def test_litert_needs_it(name):
    """If this fails, LiteRT has learned these functions, and `portable` can go."""
    function, x, expected = FUNCTIONS[name]
    assert np.abs(in_litert(function, x) / expected(x.astype(np.float64)) - 1.0).max() > 1e-3


def test_training_has_the_gradient_of_tensorflow():
    x = tf.constant([-3.0, 0.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = softplus(x)
    np.testing.assert_allclose(tape.gradient(y, x), tf.sigmoid(x), rtol=1e-6)
