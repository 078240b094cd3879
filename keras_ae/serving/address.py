import pathlib
import urllib.parse
from typing import NamedTuple

_PORTS = {"http": 80, "https": 443, "grpc": None, "grpcs": 443}  # default ports
_FORMS = "grpc://host:port, http://host:port, grpcs://host or https://host"


class Address(NamedTuple):
    """Address and TLS settings of a server.

    Args:
        host: host name or IP address, IPv6 in brackets.
        port: port number.
        path: prefix of the REST path: "" or "/models".
        grpc: whether the server speaks gRPC rather than REST.
        tls: whether to use TLS.
        ca: PEM file of the trusted certificate authorities, or `None` for the system's.
        certificate: PEM files (certificate, key) of the client, or `None`.
    """

    host: str
    port: int
    path: str
    grpc: bool
    tls: bool
    ca: pathlib.Path | None
    certificate: tuple[pathlib.Path, pathlib.Path] | None

    @classmethod
    def read(cls, url: str, *, ca: str | None = None, certificate: tuple[str, str] | None = None) -> "Address":
        """Parses a URL.

        Raises:
            OSError: for an unreadable PEM file.
            ValueError: for an invalid URL, and for TLS files without TLS.
        """
        try:
            parts = urllib.parse.urlsplit(url)
            port = parts.port or _PORTS.get(parts.scheme)
        except (AttributeError, TypeError, ValueError):  # not a string, or an invalid port
            raise _wrong(url) from None
        if parts.scheme not in _PORTS or not parts.hostname or port is None or parts.query or parts.fragment:
            raise _wrong(url)
        if "@" in parts.netloc:
            raise ValueError("`url` must not hold a name or password: use `headers`, with TLS.")
        grpc, tls, path = parts.scheme.startswith("grpc"), parts.scheme.endswith("s"), parts.path.rstrip("/")
        if grpc and path:
            raise ValueError(f"`url` must have no path for gRPC. Received: {url!r}")
        if not tls and (ca or certificate):
            name = "ca" if ca else "certificate"
            raise ValueError(f"`{name}` needs TLS: an address with https:// or grpcs://. Received: url={url!r}")
        if certificate is not None and (isinstance(certificate, str) or len(certificate) != 2):
            raise ValueError("`certificate` must be two PEM files, (certificate, key).")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        certificate = certificate and tuple(map(_readable, certificate))
        return cls(host, port, path, grpc, tls, ca and _readable(ca), certificate)

    @property
    def target(self) -> str:
        """`host:port`."""
        return f"{self.host}:{self.port}"


def check_headers(headers: dict[str, str] | None) -> dict[str, str]:
    """Returns headers as a dictionary of strings, or raises a `ValueError` that does not reveal their values."""
    headers = {} if headers is None else headers
    texts = (*headers.keys(), *headers.values()) if isinstance(headers, dict) else (None,)
    if not all(isinstance(text, str) and text.isascii() and text.isprintable() for text in texts):
        raise ValueError("`headers` must be a dictionary of printable ASCII strings, without line breaks.")
    return dict(headers)


def _wrong(url):
    return ValueError(f"`url` must be {_FORMS}. Received: {url!r}")


def _readable(path):
    with open(path, "rb"):  # fail now, with the file's name, not at the first call
        return pathlib.Path(path)
