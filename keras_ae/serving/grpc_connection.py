import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2, prediction_service_pb2_grpc

from keras_ae.serving import errors
from keras_ae.serving.address import Address
from keras_ae.serving.served_signature import Signature

_ERRORS = {
    grpc.StatusCode.INVALID_ARGUMENT: errors.InvalidArgumentError,
    grpc.StatusCode.NOT_FOUND: errors.NotFoundError,
    grpc.StatusCode.UNAUTHENTICATED: errors.PermissionDeniedError,
    grpc.StatusCode.PERMISSION_DENIED: errors.PermissionDeniedError,
    grpc.StatusCode.UNAVAILABLE: errors.UnavailableError,
    grpc.StatusCode.DEADLINE_EXCEEDED: errors.DeadlineExceededError,
}
_OPTIONS = {
    "grpc.max_receive_message_length": -1,  # unlimited, as on the server; the default is 4 MB
    "grpc.initial_reconnect_backoff_ms": 100,  # at most the client's pause; the default is 1000
    "grpc.enable_http_proxy": 0,  # as for REST
}


class GrpcConnection:
    """The gRPC interface of TensorFlow Serving, for one model.

    Args:
        address: `Address` of the server.
        model: name of the model.
        version: version number, or `None`.
        headers: {name: text} sent with every request.
    """

    numbers_are_text = False

    def __init__(self, address: Address, model: str, version: int | None, headers: dict[str, str]):
        self._model, self._version = model, version
        self._metadata = [(name.lower(), text) for name, text in headers.items()]
        options = list(_OPTIONS.items())
        if address.tls:
            self._channel = grpc.secure_channel(address.target, _credentials(address), options=options)
        else:
            self._channel = grpc.insecure_channel(address.target, options=options)
        self._service = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

    def metadata(self, seconds: float) -> dict[str, dict]:
        """Returns the SignatureDefs of the model, as JSON."""
        request = self._name(get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"]))
        answer = self._call(self._service.GetModelMetadata, request, seconds)
        definitions = get_model_metadata_pb2.SignatureDefMap()
        answer.metadata["signature_def"].Unpack(definitions)
        return json_format.MessageToDict(definitions, preserving_proto_field_name=True)["signature_def"]

    def predict(self, signature: Signature, inputs: dict[str, np.ndarray], seconds: float) -> dict[str, np.ndarray]:
        """Returns {output: array} of a signature for inputs {name: array}."""
        request = self._name(predict_pb2.PredictRequest())
        request.model_spec.signature_name = signature.name
        for name, array in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(array))
        outputs = self._call(self._service.Predict, request, seconds).outputs
        return {name: tf.make_ndarray(outputs[name]) for name in signature.outputs}

    def close(self) -> None:
        self._channel.close()

    def _name(self, request):
        request.model_spec.name = self._model
        if self._version is not None:
            request.model_spec.version.value = self._version
        return request

    def _call(self, method, request, seconds):
        try:
            return method(request, timeout=seconds, metadata=self._metadata)
        except grpc.RpcError as error:
            if "CERTIFICATE_VERIFY_FAILED" in error.details() or "Hostname Verification" in error.details():
                raise errors.ServingError(f"{errors.UNTRUSTED}: {error.details()}") from error
            raise _ERRORS.get(error.code(), errors.ServingError)(error.details()) from error


def _credentials(address):
    pem = [path.read_bytes() for path in (*(address.certificate or ()),)]
    certificate, key = pem or (None, None)
    ca = address.ca and address.ca.read_bytes()
    return grpc.ssl_channel_credentials(root_certificates=ca, private_key=key, certificate_chain=certificate)
