"""A server on 127.0.0.1 that speaks as TensorFlow Serving does, and runs the signatures of SavedModels."""

import base64
import contextlib
import http.server
import json
import re
import ssl
import threading
import time
from concurrent import futures

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2, prediction_service_pb2_grpc

_HTTP = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.INTERNAL: 500,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
}


class FaultError(Exception):
    """An answer that is an error: a status of gRPC and a sentence."""


class Loopback:
    """REST and gRPC of TensorFlow Serving, for the models in a folder.

    `requests` are those that came: (signature, {input: array}). The next calls get the errors in `faults`, then
    outputs; all answers take `pause` seconds longer. Where there is a `token`, callers need it.

    `tls` is a folder with ca.pem, server.pem and server.key; clients must then show a certificate if `mutual`.
    """

    def __init__(self, folder, tls=None, mutual=False):
        self.loaded = {(path.parent.name, int(path.name)): self.load(path) for path in folder.glob("*/*")}
        self.grpc = grpc.server(futures.ThreadPoolExecutor(4))
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Service(self), self.grpc)
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.loopback = self
        if tls is None:
            port = self.grpc.add_insecure_port("127.0.0.1:0")
        else:
            files = [(tls / name).read_bytes() for name in ("server.key", "server.pem", "ca.pem")]
            ca = {"root_certificates": files[2], "require_client_auth": True} if mutual else {}
            port = self.grpc.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([tuple(files[:2])], **ca))
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=tls / "ca.pem")
            context.load_cert_chain(tls / "server.pem", tls / "server.key")
            context.verify_mode = ssl.CERT_REQUIRED if mutual else ssl.CERT_NONE
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True, do_handshake_on_connect=False)
            self.http.handle_error = lambda *arguments: None  # of handshakes that a test lets fail
        self.grpc.start()
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()
        ports, s = {"rest": self.http.server_address[1], "grpc": port}, "" if tls is None else "s"
        self.urls = {"rest": f"http{s}://127.0.0.1:{ports['rest']}", "grpc": f"grpc{s}://127.0.0.1:{ports['grpc']}"}
        self.reset()

    def reset(self):
        self.requests, self.faults, self.pause, self.token = [], [], 0, None

    def check_token(self, headers):
        if self.token is not None and headers.get("authorization") != self.token:
            raise FaultError(grpc.StatusCode.UNAUTHENTICATED, "No token, or another.")

    def close(self):
        self.grpc.stop(None).wait()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

    @staticmethod
    def load(path):
        """The model, and its SignatureDefs as they are in the file."""
        content = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
        definitions = get_model_metadata_pb2.SignatureDefMap()
        for name, definition in content.meta_graphs[0].signature_def.items():
            definitions.signature_def[name].CopyFrom(definition)
        return tf.saved_model.load(str(path)), definitions

    def find(self, spec):
        versions = [version for name, version in self.loaded if name == spec.name]
        version = spec.version.value if spec.HasField("version") else max(versions, default=0)
        if version not in versions:
            raise FaultError(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {spec.name}/{version}")
        return self.loaded[spec.name, version]

    def metadata(self, spec):
        return self.find(spec)[1]

    def predict(self, spec, inputs):
        """{output: array} for inputs {name: array}."""
        self.requests.append((spec.signature_name, inputs))
        fault = self.faults.pop(0) if self.faults else None
        time.sleep(self.pause)
        if fault:
            raise FaultError(*fault)
        signature = self.find(spec)[0].signatures[spec.signature_name]
        try:
            outputs = signature(**{name: tf.constant(value) for name, value in inputs.items()})
        except tf.errors.InvalidArgumentError as error:
            raise FaultError(grpc.StatusCode.INVALID_ARGUMENT, error.message) from error
        return {name: value.numpy() for name, value in outputs.items()}


class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, loopback):
        self.loopback = loopback

    def GetModelMetadata(self, request, context):  # noqa: N802, the name in the proto
        assert list(request.metadata_field) == ["signature_def"]  # the server knows no other
        answer = get_model_metadata_pb2.GetModelMetadataResponse()
        answer.metadata["signature_def"].Pack(self.answer(context, self.loopback.metadata, request.model_spec))
        return answer

    def Predict(self, request, context):  # noqa: N802
        inputs = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
        answer = predict_pb2.PredictResponse()
        for name, value in self.answer(context, self.loopback.predict, request.model_spec, inputs).items():
            answer.outputs[name].CopyFrom(tf.make_tensor_proto(value))
        return answer

    def answer(self, context, function, *arguments):
        try:
            self.loopback.check_token(dict(context.invocation_metadata()))
            return function(*arguments)
        except FaultError as fault:
            context.abort(*fault.args)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10  # seconds that an idle connection is kept
    disable_nagle_algorithm = True  # the body would wait for the head to be acknowledged

    def do_GET(self):
        self.answer(r"/metadata", self.metadata)

    def do_POST(self):
        self.answer(r":predict", self.predict)

    def answer(self, what, function):
        try:
            name, version = re.fullmatch(r"/v1/models/([^/:]+)(?:/versions/(\d+))?" + what, self.path).groups()
            spec = predict_pb2.PredictRequest().model_spec
            spec.name = name
            if version:
                spec.version.value = int(version)
            self.server.loopback.check_token({name.lower(): text for name, text in self.headers.items()})
            code, content = 200, function(spec)
        except FaultError as fault:
            code, content = _HTTP[fault.args[0]], {"error": fault.args[1]}
        body = json.dumps(content).encode()
        with contextlib.suppress(ConnectionError):  # a client that did not wait
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def metadata(self, spec):
        return {"metadata": {"signature_def": self.definitions(spec)}}

    def definitions(self, spec):
        return json_format.MessageToDict(
            self.server.loopback.metadata(spec),
            preserving_proto_field_name=True,
            always_print_fields_with_no_presence=True,
        )

    def predict(self, spec):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        spec.signature_name = request["signature_name"]
        specs = self.definitions(spec)["signature_def"][spec.signature_name]["inputs"]
        dtypes = {name: {"DT_INT32": np.int32, "DT_FLOAT": np.float32}[specs[name]["dtype"]] for name in specs}
        inputs = {name: np.array(value, dtypes[name]) for name, value in request["inputs"].items()}
        outputs = {name: _json(name, value) for name, value in self.server.loopback.predict(spec, inputs).items()}
        return {"outputs": outputs if len(outputs) > 1 else next(iter(outputs.values()))}

    def log_message(self, *arguments):
        pass


def _json(name, value):
    if value.dtype != object:
        return value.tolist()
    assert name.endswith("_bytes")  # others are sent as text
    return [{"b64": base64.b64encode(entry).decode()} for entry in value]
