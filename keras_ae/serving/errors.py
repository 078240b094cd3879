"""What a call of a model server raises, with the sentence of the server."""

UNTRUSTED = "The certificate of the server is not trusted: give `ca`, the PEM file of who signed it"


class ServingError(Exception):
    """The server answered with an error; those with a meaning of their own are subclasses."""


class InvalidArgumentError(ServingError, ValueError):
    """The server refused the values of a call: a label that does not exist, NaN, a `num` above its limit."""


class NotFoundError(ServingError, LookupError):
    """The server has no such model, or no such version of it."""


class PermissionDeniedError(ServingError, PermissionError):
    """The server, or a proxy before it, does not know the caller, or refuses it: `headers`, `certificate`."""


class UnavailableError(ServingError, ConnectionError):
    """The server could not be reached or did not take the request, in any of the retries."""


class DeadlineExceededError(ServingError, TimeoutError):
    """The answer was not there in time."""
