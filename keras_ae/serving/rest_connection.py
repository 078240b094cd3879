import base64
import json
import urllib.parse

import numpy as np
import urllib3

from keras_ae.serving import errors
from keras_ae.serving.address import Address
from keras_ae.serving.served_signature import Signature

_ERRORS = {
    400: errors.InvalidArgumentError,
    401: errors.PermissionDeniedError,
    403: errors.PermissionDeniedError,
    404: errors.NotFoundError,
    503: errors.UnavailableError,
    504: errors.DeadlineExceededError,
}


class RestConnection:
    """The REST interface of TensorFlow Serving, for one model.

    Args:
        address: `Address` of the server.
        model: name of the model.
        version: version number, or `None`.
        headers: {name: text} sent with every request.
    """

    numbers_are_text = True

    def __init__(self, address: Address, model: str, version: int | None, headers: dict[str, str]):
        self._server = f"{'https' if address.tls else 'http'}://{address.target}{address.path}"
        name = urllib.parse.quote(model, safe="")
        self._model = f"{self._server}/v1/models/{name}" + (f"/versions/{version}" if version is not None else "")
        certificate, key = address.certificate or (None, None)
        files = {"ca_certs": address.ca, "cert_file": certificate, "key_file": key}
        self._pool = urllib3.PoolManager(
            headers=headers, **{name: str(path) for name, path in files.items() if path is not None}
        )

    def metadata(self, seconds: float) -> dict[str, dict]:
        """Returns the SignatureDefs of the model, as JSON."""
        return self._ask("GET", "/metadata", seconds)["metadata"]["signature_def"]["signature_def"]

    def predict(self, signature: Signature, inputs: dict[str, np.ndarray], seconds: float) -> dict[str, np.ndarray]:
        """Returns {output: array} of a signature for inputs {name: array}."""
        # The columnar format, because the row format has no scalars.
        columns = {name: array.tolist() for name, array in inputs.items()}
        request = {"signature_name": signature.name, "inputs": columns}
        outputs = self._ask("POST", ":predict", seconds, request)["outputs"]
        if len(signature.outputs) == 1:  # the server omits the name of a single output
            outputs = dict.fromkeys(signature.outputs, outputs)
        return {name: _array(outputs[name], spec.dtype) for name, spec in signature.outputs.items()}

    def close(self) -> None:
        self._pool.clear()

    def _ask(self, method, what, seconds, content=None):
        body = None if content is None else json.dumps(content)
        limit = urllib3.Timeout(total=seconds)
        try:
            response = self._pool.request(method, self._model + what, body=body, timeout=limit, retries=False)
        except urllib3.exceptions.NewConnectionError as error:  # a subclass of timeouts in urllib3
            raise errors.UnavailableError(f"{self._server} cannot be reached: {error}") from error
        except urllib3.exceptions.TimeoutError as error:
            raise errors.DeadlineExceededError(f"{self._server} did not answer in {seconds:.2g} s.") from error
        except urllib3.exceptions.SSLError as error:
            if "CERTIFICATE_VERIFY_FAILED" not in str(error):
                raise errors.UnavailableError(f"{self._server} closed the connection: {error}") from error
            raise errors.ServingError(f"{errors.UNTRUSTED}: {error}") from error
        except urllib3.exceptions.HTTPError as error:
            raise errors.UnavailableError(f"{self._server} closed the connection: {error}") from error
        try:
            answer = dict(json.loads(response.data))
        except (TypeError, ValueError):  # not from TensorFlow Serving, but from a proxy or another program
            answer = {"error": response.data.decode(errors="replace")}
        if response.status == 200 and "error" not in answer:
            return answer
        raise _ERRORS.get(response.status, errors.ServingError)(answer.get("error", f"HTTP status {response.status}"))


def _array(value, dtype):
    array = np.asarray(value, dtype)
    return np.vectorize(_bytes, otypes=[object])(array) if dtype.kind == "O" else array


def _bytes(text):
    return base64.b64decode(text["b64"]) if isinstance(text, dict) else text.encode()
