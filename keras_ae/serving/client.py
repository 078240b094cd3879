import math
import time
import warnings
from typing import Any

import numpy as np

from keras_ae.serving.address import Address, check_headers
from keras_ae.serving.errors import DeadlineExceededError, UnavailableError
from keras_ae.serving.served_signature import Signature, read_signatures
from keras_ae.validation.arguments import MAX_COUNT, MAX_ROWS, check_size

_PAUSE = 0.1  # seconds before the first retry; each further pause is twice as long
_MANY = 1_000_000  # numbers; as text over REST, these take seconds


class Client:
    """Calls an exported model on TensorFlow Serving: NumPy arrays in, NumPy arrays out.

        with Client("http://localhost:8501", "cvae") as client:
            x = client.generate(seed=7, num=3, condition=3)     # [3, 28, 28, 1], the same images as `model.sample`
            codes = client.encode(x, condition=[3, 3, 3])       # {"z": [3, 8], "scale": [3, 8]}

    The server describes the names, dtypes and shapes of inputs. Pass the condition by name: `condition` for a single
    property, the names of the properties for several. A single row or number is repeated for all rows. Large batches
    are split into several requests, empty batches are not sent, and rejected requests are retried.

    REST encodes numbers as text. For millions of numbers, it takes a hundred times as long as gRPC and warns.

    Args:
        url: `"grpc://host:8500"` for gRPC and `"http://host:8501"` for REST; `"grpcs://host"` and `"https://host"` over
            TLS, on port 443 by default. A path, as in `"https://host/models"`, is a prefix of the REST path.
            model: name of the model on the server.
            version: version of the model; `None` for the latest.
            timeout: maximum duration of a call in seconds, including all requests and retries.
            retries: number of retries if the server cannot be reached or is unavailable, after 0.1, 0.2, 0.4 ...
                seconds.
            max_rows: maximum number of rows per request.
            headers: {name: text} sent with every request, such as {"Authorization": "Bearer ..."}; gRPC sends them as
                metadata. Without TLS, anyone on the network can read them.
            ca: PEM file of the trusted certificate authorities; `None` for the system's.
            certificate: PEM files (certificate, key) of this client, if the server requires a client certificate.

    Raises:
        ImportError: without the packages of the extra `keras_ae[serving]`.
        OSError: for an unreadable PEM file.
        ValueError: for an invalid argument.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        version: int | None = None,
        timeout: float = 60.0,
        retries: int = 4,
        max_rows: int = 256,
        headers: dict[str, str] | None = None,
        ca: str | None = None,
        certificate: tuple[str, str] | None = None,
    ):
        if not timeout > 0:
            raise ValueError(f"`timeout` must be > 0 seconds. Received: timeout={timeout}")
        self.timeout = timeout
        self.retries = check_size("retries", retries, low=0)
        self.max_rows = check_size("max_rows", max_rows, high=MAX_ROWS)
        version = None if version is None else check_size("version", version, high=MAX_COUNT)
        address = Address.read(url, ca=ca, certificate=certificate)
        self._connection = _connect(address, model, version, check_headers(headers))
        self._signatures = None
        self._warned = False

    def signatures(self) -> dict[str, Signature]:
        """The signatures of the model, {name: `Signature`}, requested from the server once."""
        return self._read_signatures(time.monotonic() + self.timeout)

    def call(self, signature: str, /, **inputs: Any) -> dict[str, np.ndarray]:
        """Runs a signature.

        Args:
            signature: name of the signature.
            **inputs: array-likes, by input name.

        Returns:
            {output: array}.

        Raises:
            ValueError: for unknown or ill-shaped inputs; its subclass `InvalidArgumentError`, if the server rejects
                their values.
            NotFoundError: if the server does not have the model.
            PermissionDeniedError: if the server rejects `headers` or `certificate`.
            UnavailableError: if the server cannot be reached in any retry.
            DeadlineExceededError: if the call takes longer than `timeout`.
        """
        return self._call(signature, inputs, {})

    def decode(self, z: Any, **condition: Any) -> np.ndarray:
        """Returns the mean of p(x|z), [B, *event], for codes [B, D]."""
        return self.call("decode", z=z, **condition)["x"]

    def sample(self, seed: Any, **condition: Any) -> np.ndarray:
        """Returns the first sample of each seed, [B, *event], for seeds [B]; a server can batch these calls."""
        return self.call("sample", seed=seed, **condition)["x"]

    def generate(self, seed: int, num: int, **inputs: Any) -> np.ndarray:
        """Returns the first `num` samples of a seed, [num, *event]; `inputs` are condition and `temperature` (1)."""
        return self._call("generate", {"seed": seed, "num": num, **inputs}, {"temperature": 1.0})["x"]

    def encode(self, x: Any, **condition: Any) -> dict[str, np.ndarray]:
        """Returns {"z": mean of q(z|x), [B, D]}, and "scale" if the posterior has one, for examples [B, *event]."""
        return self.call("encode", x=x, **condition)

    def reconstruct(self, x: Any, **condition: Any) -> np.ndarray:
        """Returns the reconstructions of examples [B, *event]."""
        return self.call("reconstruct", x=x, **condition)["x"]

    def score(self, x: Any, **condition: Any) -> dict[str, np.ndarray]:
        """Returns {output: [B]} for examples [B, *event].

        The outputs of a model are "elbo", "kl" and "reconstruction" in nats, as far as it has them, and "outlier_score"
        if it was exported with a reference. An outlier detector has "score" (higher is more anomalous), "p_value", and
        "outlier", which is 1 or 0.
        """
        return self.call("score", x=x, **condition)

    def close(self) -> None:
        """Closes the connections."""
        self._connection.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()

    def _call(self, name, inputs, defaults):
        """Returns the outputs of a signature; `defaults` are inputs that not every export has."""
        deadline = time.monotonic() + self.timeout
        known = self._read_signatures(deadline)
        if name not in known:
            raise ValueError(f"`signature` must be one of {sorted(known)}. Received: signature={name!r}")
        signature = known[name]
        inputs = {**{key: value for key, value in defaults.items() if key in signature.inputs}, **inputs}
        arrays = signature.arrays(inputs)
        parts = signature.parts(arrays, self.max_rows)
        self._warn_of_text(signature, parts)
        answers = [self._ask(deadline, self._connection.predict, signature, part) for part in parts]
        if not answers:
            return {key: spec.empty() for key, spec in signature.outputs.items()}
        return {key: np.concatenate([answer[key] for answer in answers]) for key in signature.outputs}

    def _warn_of_text(self, signature, parts):
        """Warns once if a call over REST has so many numbers that it takes seconds."""
        if self._warned or not self._connection.numbers_are_text:
            return
        rows = sum(max((len(array) for array in part.values() if array.ndim), default=1) for part in parts)
        inputs = sum(array.size for part in parts for array in part.values())
        outputs = rows * sum(math.prod(size or 1 for size in spec.shape[1:]) for spec in signature.outputs.values())
        if inputs + outputs > _MANY:
            self._warned = True
            warnings.warn(
                f"REST encodes numbers as text, and this call has {inputs + outputs:,} of them. gRPC takes about a "
                'hundredth of the time: Client("grpc://host:8500", ...).',
                stacklevel=4,
            )

    def _read_signatures(self, deadline):
        if self._signatures is None:
            self._signatures = read_signatures(self._ask(deadline, self._connection.metadata))
        return self._signatures

    def _ask(self, deadline, send, *arguments):
        """Returns `send(*arguments, seconds)`, and retries while the server is unavailable."""
        pause = _PAUSE
        for left in reversed(range(self.retries + 1)):
            seconds = deadline - time.monotonic()
            if seconds <= 0:
                raise DeadlineExceededError(f"The call did not finish within {self.timeout} s.")
            try:
                return send(*arguments, seconds)
            except UnavailableError:
                if not left or time.monotonic() + pause >= deadline:
                    raise
            time.sleep(pause)
            pause *= 2


def _connect(address, model, version, headers):
    try:
        if address.grpc:
            from keras_ae.serving.grpc_connection import GrpcConnection as Connection
        else:
            from keras_ae.serving.rest_connection import RestConnection as Connection
    except ImportError as error:
        raise ImportError(f"The client needs more packages: pip install 'keras_ae[serving]' ({error})") from error
    return Connection(address, model, version, headers)
