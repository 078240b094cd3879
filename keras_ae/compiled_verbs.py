"""The verbs of a model as compiled graphs: a call of a verb takes a fraction of a millisecond in place of a few."""

import functools
import threading
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from keras_ae.hyperparameters import parts_of, values_of
from keras_ae.keras_internals import layers_in

_EAGER_CALLS = 3  # a graph takes as long to trace as about eight eager calls
_MOST_ROWS = 2048  # in one call, which bounds the memory


class CompiledVerbs:
    """Runs functions of tensors for the verbs of a model: eagerly at first, and as graphs if they are called often.

    A graph serves all batch sizes and reads the current weights. It is traced again after a change of a setting of the
    model's parts or of the sampler. With `compile(run_eagerly=True)`, there are no graphs. Several threads may call.

    Args:
        model: the `Autoencoder`.
    """

    def __init__(self, model: keras.Model):
        self._model, self._lock = model, threading.Lock()
        self._state, self._calls, self._graphs = None, {}, {}

    def __call__(self, name: str, function: Callable, rows: Any, condition: Any = None, *scalars: tf.Tensor) -> Any:
        """Returns the result of a function, at most 2,048 rows at a time.

        Args:
            name: the verb.
            function: a function of the other arguments. It may depend on the model, and on nothing else.
            rows: tensor [B, ...].
            condition: tensors of the condition [B, ...], or `None`.
            *scalars: more tensors without axes.
        """
        function = self._compiled(name, function, rows, condition, *scalars)
        return in_chunks(lambda rows, condition: function(rows, condition, *scalars), rows, condition)

    def _compiled(self, name, function, *arguments):
        if not tf.executing_eagerly() or self._model.run_eagerly:
            return function
        found, structure, _ = values_of(self._parts)
        state = (self._model.sampler_layer, found, structure)
        with self._lock:
            if state != self._state:
                self._state, self._calls, self._graphs = state, {}, {}
            self._calls[name] = self._calls.get(name, 0) + 1
            if self._calls[name] > _EAGER_CALLS and name not in self._graphs:
                self._graphs[name] = _graph(function, *arguments)
            return self._graphs.get(name, function)

    @functools.cached_property
    def _parts(self):
        """The parts that verbs depend on: all but the objective, whose weights may change with every step."""
        apart = {id(layer) for layer in layers_in(self._model.objective)}
        return parts_of([layer for layer in layers_in(self._model) if id(layer) not in apart])


def _graph(function, *arguments):
    """Returns a function as a graph for arguments like these, with any number of rows."""
    given = [argument for argument in arguments if argument is not None]
    specs = tf.nest.map_structure(lambda t: tf.TensorSpec([None, *t.shape[1:]] if t.shape.rank else [], t.dtype), given)

    def of_given(*given):
        rest = iter(given)
        return function(*(None if argument is None else next(rest) for argument in arguments))

    graph = tf.function(of_given, input_signature=specs, autograph=False)
    return lambda *arguments: graph(*(argument for argument in arguments if argument is not None))


def in_chunks(function: Callable, rows: Any, condition: Any = None, size: int = _MOST_ROWS) -> Any:
    """Applies a function of (tensor [B, ...], tensors of the condition [B, ...] or `None`) to `size` rows at a time."""
    num = rows.shape[0]
    if num is None or num <= size:
        return function(rows, condition)

    def part(start):
        values = (
            tf.nest.map_structure(lambda each: each[start : start + size], condition) if condition is not None else None
        )
        return function(rows[start : start + size], values)

    return tf.concat([part(start) for start in range(0, num, size)], axis=0)
