"""Errors of calls to a model server, with the server's message."""

UNTRUSTED = "The certificate of the server is not trusted: pass its authority's PEM file as `ca`"


class ServingError(Exception):
    """The server answered with an error. Subclasses distinguish specific errors."""


class InvalidArgumentError(ServingError, ValueError):
    """The server rejected the values of a call, such as an unknown label, NaN, or a `num` above its limit."""


class NotFoundError(ServingError, LookupError):
    """The server does not have the model or the version."""


class PermissionDeniedError(ServingError, PermissionError):
    """The server, or a proxy in front of it, rejected the caller's `headers` or `certificate`."""


class UnavailableError(ServingError, ConnectionError):
    """The server could not be reached or did not accept the request, in any retry."""


class DeadlineExceededError(ServingError, TimeoutError):
    """The answer did not arrive in time."""
