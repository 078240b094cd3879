import math
import time
import warnings

import numpy as np

from keras_ae.serving.address import Address, check_headers
from keras_ae.serving.errors import DeadlineExceededError, UnavailableError
from keras_ae.serving.signature import read_signatures
from keras_ae.validation.arguments import MAX_COUNT, MAX_ROWS, check_size

_PAUSE = 0.1  # seconds before the first retry; each further pause is twice as long
_MANY = 1_000_000  # numbers: as text, over REST, these take seconds


class Client:
    """Calls an exported model on TensorFlow Serving: NumPy arrays in, NumPy arrays out.

        with Client("http://localhost:8501", "cvae") as client:
            x = client.generate(seed=7, num=3, condition=3)     # [3, 28, 28, 1], the pictures of `model.sample`
            codes = client.encode(x, condition=[3, 3, 3])       # {"z": [3, 8], "scale": [3, 8]}

    Names, dtypes and shapes of inputs are those that the server says the model has. The condition is given by name:
    `condition` for a single property, the names of the properties for several. A single row or number holds for all
    rows. A large batch is sent in parts, an empty one not at all; a request that the server did not take is sent again.

    REST writes numbers as text. For millions of them it takes a hundred times as long as gRPC; a warning says so.

    Args:
        url: `"grpc://host:8500"` for gRPC and `"http://host:8501"` for REST; `"grpcs://host"` and `"https://host"` over
            TLS, on port 443 unless another is given. A path, `"https://host/models"`, is put before that of REST.
        model: what the server calls the model.
        version: the version of the model; `None` for the latest.
        timeout: seconds that a call may take, with all its parts and retries.
        retries: how often a request is sent again where the server cannot be reached or says that it is unavailable,
            after 0.1, 0.2, 0.4 ... seconds.
        max_rows: the largest number of rows in a request.
        headers: {name: text} that go with every request, such as {"Authorization": "Bearer ..."}; as metadata of gRPC.
            Without TLS, everybody on the way can read them.
        ca: the PEM file of the certificate authorities to trust; `None` for those of the system.
        certificate: the PEM files (certificate, key) of this client, where the server asks for one.

    Raises:
        ImportError: without the packages of the extra `keras_ae[serving]`.
        OSError: for a PEM file that cannot be read.
        ValueError: for a wrong argument.
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

    def signatures(self):
        """{name: `Signature`} of the model, as the server describes them; asked for once."""
        return self._read_signatures(time.monotonic() + self.timeout)

    def call(self, signature, /, **inputs):
        """Runs a signature.

        Args:
            signature: its name.
            **inputs: array-likes, by the names of the inputs.

        Returns:
            {output: array}.

        Raises:
            ValueError: for inputs that the signature does not have or that do not fit; `InvalidArgumentError`, which is
                one too, where the server refuses their values.
            NotFoundError: if the server does not have the model.
            PermissionDeniedError: if the server wants other `headers`, or another `certificate`.
            UnavailableError: if the server could not be reached, in all retries.
            DeadlineExceededError: if the call took longer than `timeout`.
        """
        return self._call(signature, inputs, {})

    def decode(self, z, **condition):
        """The mean of p(x|z), [B, *event], of codes [B, D]."""
        return self.call("decode", z=z, **condition)["x"]

    def sample(self, seed, **condition):
        """The first picture of each seed, [B, *event], of seeds [B]; a server can batch these calls."""
        return self.call("sample", seed=seed, **condition)["x"]

    def generate(self, seed, num, **inputs):
        """The first `num` pictures of a seed, [num, *event]; `inputs` are the condition and `temperature`, else 1."""
        return self._call("generate", {"seed": seed, "num": num, **inputs}, {"temperature": 1.0})["x"]

    def encode(self, x, **condition):
        """{"z": mean of q(z|x), [B, D]}, and its "scale" where it has one, of examples [B, *event]."""
        return self.call("encode", x=x, **condition)

    def reconstruct(self, x, **condition):
        """The examples [B, *event] after encoder and decoder."""
        return self.call("reconstruct", x=x, **condition)["x"]

    def score(self, x, **condition):
        """{score: [B]} of examples [B, *event]."""
        return self.call("score", x=x, **condition)

    def close(self):
        """Closes the connections."""
        self._connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def _call(self, name, inputs, defaults):
        """The outputs of a signature; `defaults` are inputs that not every export has."""
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
        """Warns once where a call over REST has so many numbers that it takes seconds."""
        if self._warned or not self._connection.numbers_are_text:
            return
        rows = sum(max((len(array) for array in part.values() if array.ndim), default=1) for part in parts)
        inputs = sum(array.size for part in parts for array in part.values())
        outputs = rows * sum(math.prod(size or 1 for size in spec.shape[1:]) for spec in signature.outputs.values())
        if inputs + outputs > _MANY:
            self._warned = True
            warnings.warn(
                f"REST writes numbers as text, and this call has {inputs + outputs:,} of them. gRPC takes about a "
                'hundredth of the time: Client("grpc://host:8500", ...).',
                stacklevel=4,
            )

    def _read_signatures(self, deadline):
        if self._signatures is None:
            self._signatures = read_signatures(self._ask(deadline, self._connection.metadata))
        return self._signatures

    def _ask(self, deadline, send, *arguments):
        """What `send(*arguments, seconds)` returns; it is called again where the server was not available."""
        pause = _PAUSE
        for left in reversed(range(self.retries + 1)):
            seconds = deadline - time.monotonic()
            if seconds <= 0:
                raise DeadlineExceededError(f"The call was not done in {self.timeout} s.")
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
