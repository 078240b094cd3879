"""The metrics of `compile`: Keras metrics of the examples and their mean reconstructions."""

import inspect
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import keras
import tensorflow as tf


class CompiledMetrics:
    """Metrics that are updated with (x, mean reconstruction) of each batch.

    Args:
        metrics: the argument of `compile`: names, functions and instances of Keras metrics, or `None`.
        weighted_metrics: likewise, for metrics that apply sample weights.
        taken: names that are already in use.

    Raises:
        ValueError: for anything else.
    """

    def __init__(self, metrics: Any, weighted_metrics: Any, *, taken: Iterable[str]):
        self.given = {"metrics": metrics, "weighted_metrics": weighted_metrics}
        self.plain = _as_metrics("metrics", metrics)
        self.weighted = _as_metrics("weighted_metrics", weighted_metrics, beside=[m.name for m in self.plain])
        names = set(taken)
        for metric in self.all:
            if metric.name in names:
                raise ValueError(
                    f"`metrics` must have unique names, other than {', '.join(sorted(names))}. Received: {metric.name}"
                )
            names.add(metric.name)

    @property
    def all(self) -> list[keras.metrics.Metric]:
        return [*self.plain, *self.weighted]

    def update(self, batch, reconstruct: Callable) -> None:
        """Updates the metrics with a `Batch`; `reconstruct` is a function of (x, condition)."""
        if not self.all:
            return
        x, prediction = tf.cast(batch.x, tf.float32), tf.cast(reconstruct(batch.x, batch.condition), tf.float32)
        if not prediction.shape[1:].is_compatible_with(x.shape[1:]):
            raise ValueError(
                f"`metrics` compare examples with reconstructions of their shape, {x.shape[1:]}. "
                f"Received: a likelihood whose mean has the shape {prediction.shape[1:]}"
            )
        weight, present = batch.weight, None
        if weight is not None:  # rows from index `count` on only fill the batch
            weight = tf.reshape(tf.cast(weight, tf.float32), [-1])
            present = tf.cast(tf.range(tf.shape(weight)[0]) < batch.count, tf.float32)
        for metrics, weights in ((self.plain, present), (self.weighted, weight)):
            for metric in metrics:
                metric.update_state(x, prediction, sample_weight=_spread(weights, metric, x))

    def get_config(self) -> dict[str, list]:
        """Returns the arguments as a config, without metrics that Keras could not load, with a warning."""
        return {name: _serialized(name, _as_list(values)) for name, values in self.given.items()}


def _as_list(values):
    if values is None:
        return []
    return list(values) if isinstance(values, (list, tuple)) else [values]


def _serialized(argument, metrics):
    kept = [metric for metric in metrics if _is_loadable(metric)]
    lost = [getattr(metric, "__name__", type(metric).__name__) for metric in metrics if not _is_loadable(metric)]
    if lost:
        warnings.warn(
            f"`{argument}` {', '.join(lost)} cannot be saved with the model: register with "
            "keras.saving.register_keras_serializable, or call `compile` again after loading.",
            stacklevel=2,
        )
    return [keras.saving.serialize_keras_object(metric) for metric in kept]


def _is_loadable(metric):
    if isinstance(metric, str):
        return True
    kind = metric if inspect.isfunction(metric) else type(metric)
    if kind.__module__.startswith("keras."):
        return True
    return keras.saving.get_registered_object(keras.saving.get_registered_name(kind)) is kind


def _as_metrics(argument, values, beside=()):
    values = _as_list(values)
    metrics = [_as_metric(argument, value) for value in values]
    for metric in metrics:
        if metric.name in beside and not any(metric is value for value in values):
            metric.name = f"weighted_{metric.name}"
    return metrics


def _as_metric(argument, value):
    if isinstance(value, keras.metrics.Metric):
        if "sample_weight" not in inspect.signature(value.update_state).parameters:
            raise ValueError(
                f"`{argument}` must have `update_state(y_true, y_pred, sample_weight=None)`, as the last batch of an "
                f"epoch is filled up with rows of weight 0. Received: {type(value).__name__}"
            )
        return value
    refused = isinstance(value, (keras.losses.Loss, type, dict)) or value in ("accuracy", "acc", "crossentropy", "ce")
    try:
        found = None if refused else keras.metrics.get(value)
    except (TypeError, ValueError):
        found = None
    if isinstance(found, keras.metrics.Metric):
        found.name = value if isinstance(value, str) else found.name  # as Keras names it in the history
        return found
    if not callable(found):
        hint = ' For pixels on the right side of 1/2, take "binary_accuracy".' if value in ("accuracy", "acc") else ""
        raise ValueError(
            f"`{argument}` must be a list of Keras metrics of (x, reconstruction): names such as "
            f'"mean_squared_error", instances, or functions of (x, reconstruction).{hint} Received: {value!r}'
        )
    name = value if isinstance(value, str) else getattr(value, "__name__", type(value).__name__)
    return keras.metrics.MeanMetricWrapper(found, name="lambda" if name == "<lambda>" else name)


def _spread(weight, metric, x):
    """Returns weights [B] in the shape that a metric needs: Keras metrics of single values need one per value."""
    of_values = type(metric).__module__.startswith("keras.") and not isinstance(metric, keras.metrics.Mean)
    if weight is None or not of_values:
        return weight
    return tf.broadcast_to(tf.reshape(weight, [-1] + [1] * (x.shape.rank - 1)), tf.shape(x))
