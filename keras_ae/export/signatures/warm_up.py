"""Warm-up requests, which TensorFlow Serving runs before it makes a new version of a model available."""

import pathlib
from typing import Any

import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

_PLACE = "assets.extra/tf_serving_warmup_requests"


def write_warm_up(directory: pathlib.Path, probes: list[Any]) -> None:
    """Adds warm-up requests to a SavedModel, which are the calls of its verification.

    Calls whose inputs differ in their number of rows, as in `generate`, are omitted: a server with batching rejects
    them, and rejects a model whose warm-up fails.

    Args:
        directory: the SavedModel.
        probes: list of `Probe`. The signature of the first is also `serving_default`.
    """
    path = directory / _PLACE
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for probe in probes:
            if _has_rows(probe.inputs):
                default = ["serving_default"] if probe.signature == probes[0].signature else []
                for name in [probe.signature, *default]:
                    writer.write(_log(name, probe.inputs).SerializeToString())


def _has_rows(inputs):
    return all(array.ndim for array in inputs.values()) and len({len(array) for array in inputs.values()}) == 1


def _log(signature, inputs):
    request = predict_pb2.PredictRequest()
    request.model_spec.signature_name = signature
    for name, array in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(array))
    return prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
