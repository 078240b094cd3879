"""Warm-up requests: what TensorFlow Serving runs before it calls a new version of a model available."""

import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

_PLACE = "assets.extra/tf_serving_warmup_requests"

# The fields of PredictionLog that a request needs, with their numbers in tensorflow_serving/apis/prediction_log.proto,
# predict.proto and model.proto: the official classes are in a package that an export does not need. Names of messages
# do not reach the file, and a map is written as a list of entries.
_SCHEMA = """
name: "keras_ae/export/warm_up.proto" package: "keras_ae.warm_up" syntax: "proto3"
dependency: "tensorflow/core/framework/tensor.proto"
message_type { name: "PredictionLog" field {
  name: "predict_log" number: 6 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".keras_ae.warm_up.PredictLog" } }
message_type { name: "PredictLog" field {
  name: "request" number: 1 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".keras_ae.warm_up.PredictRequest" } }
message_type { name: "PredictRequest" field {
  name: "model_spec" number: 1 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".keras_ae.warm_up.ModelSpec" }
  field { name: "inputs" number: 2 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".keras_ae.warm_up.Input" } }
message_type { name: "ModelSpec" field {
  name: "signature_name" number: 3 label: LABEL_OPTIONAL type: TYPE_STRING } }
message_type { name: "Input" field { name: "key" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }
  field { name: "value" number: 2 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".tensorflow.TensorProto" } }
"""


def write_warm_up(directory, probes):
    """Adds warm-up requests to a SavedModel: the calls that verification makes of its signatures.

    A call stays out if its inputs do not all have the same number of rows, as those of `generate` do not: a server with
    batching refuses such requests, and it refuses a model whose warm-up fails.

    Args:
        directory: `pathlib.Path` of the SavedModel.
        probes: list of `Probe`. The signature of the first is also `serving_default`.
    """
    path = directory / _PLACE
    path.parent.mkdir()
    new = _message_class()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for probe in probes:
            if _has_rows(probe.inputs):
                default = ["serving_default"] if probe.signature == probes[0].signature else []
                for name in [probe.signature, *default]:
                    writer.write(_log(new(), name, probe.inputs).SerializeToString())


def _has_rows(inputs):
    return all(array.ndim for array in inputs.values()) and len({len(array) for array in inputs.values()}) == 1


def _log(log, signature, inputs):
    """The empty PredictionLog `log`, filled with a call."""
    request = log.predict_log.request
    request.model_spec.signature_name = signature
    for name, array in inputs.items():
        request.inputs.add(key=name, value=tf.make_tensor_proto(array))
    return log


def _message_class():
    """The class PredictionLog."""
    schema = text_format.Parse(_SCHEMA, descriptor_pb2.FileDescriptorProto())
    pool = descriptor_pool.Default()  # that of TensorProto; a schema that it has already is left as it is
    pool.AddSerializedFile(schema.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("keras_ae.warm_up.PredictionLog"))
