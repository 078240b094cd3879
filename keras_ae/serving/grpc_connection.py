import urllib.parse

import grpc
import tensorflow as tf
from google.protobuf import json_format
from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2, prediction_service_pb2_grpc

from keras_ae.serving.errors import (
    DeadlineExceededError,
    InvalidArgumentError,
    NotFoundError,
    ServingError,
    UnavailableError,
)

_ERRORS = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgumentError,
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.UNAVAILABLE: UnavailableError,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceededError,
}
_OPTIONS = {
    "grpc.max_receive_message_length": -1,  # without limit, as the server has it; 4 MB otherwise
    "grpc.initial_reconnect_backoff_ms": 100,  # not longer than the pauses of the client; 1000 otherwise
    "grpc.enable_http_proxy": 0,  # as over REST
}


class GrpcConnection:
    """The gRPC interface of TensorFlow Serving, for one model.

    Args:
        url: `"grpc://host:port"`.
        model: name of the model.
        version: number of the version, or `None`.
    """

    def __init__(self, url, model, version):
        self._model, self._version = model, version
        self._channel = grpc.insecure_channel(urllib.parse.urlsplit(url).netloc, options=list(_OPTIONS.items()))
        self._service = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

    def metadata(self, seconds):
        """The SignatureDefs of the model, as JSON."""
        request = self._name(get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"]))
        answer = _call(self._service.GetModelMetadata, request, seconds)
        definitions = get_model_metadata_pb2.SignatureDefMap()
        answer.metadata["signature_def"].Unpack(definitions)
        return json_format.MessageToDict(definitions, preserving_proto_field_name=True)["signature_def"]

    def predict(self, signature, inputs, seconds):
        """{output: array} of a signature for inputs {name: array}."""
        request = self._name(predict_pb2.PredictRequest())
        request.model_spec.signature_name = signature.name
        for name, array in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(array))
        outputs = _call(self._service.Predict, request, seconds).outputs
        return {name: tf.make_ndarray(outputs[name]) for name in signature.outputs}

    def close(self):
        self._channel.close()

    def _name(self, request):
        request.model_spec.name = self._model
        if self._version is not None:
            request.model_spec.version.value = self._version
        return request


def _call(method, request, seconds):
    try:
        return method(request, timeout=seconds)
    except grpc.RpcError as error:
        raise _ERRORS.get(error.code(), ServingError)(error.details()) from error
