"""The client over TLS, with tokens and certificates, on 127.0.0.1."""

import shutil
import subprocess

import numpy as np
import pytest
from tiers import first

from keras_ae.serving import Client, PermissionDeniedError, ServingError, UnavailableError
from keras_ae.serving.address import Address

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl to make certificates")
TOKEN = {"Authorization": "Bearer 31415"}


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    """A folder with an authority, ca.pem, and a server and a client whose certificates it has signed."""
    folder = tmp_path_factory.mktemp("tls")
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl(folder, "req", "-x509", *new, "-subj", "/CN=ca", "-days", "2", "-keyout", "ca.key", "-out", "ca.pem")
    (folder / "names").write_text("subjectAltName = IP:127.0.0.1")
    for name in ("server", "client"):
        openssl(folder, "req", *new, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        signing = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names"]
        openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", *signing)
    return folder


@pytest.fixture(scope="module", params=first(1, [True, False]), ids=["mutual", ""])
def secure(request, models, tls):
    pytest.importorskip("tensorflow_serving", reason="the extra [serving] is not installed")
    from loopback import Loopback

    server = Loopback(models, tls, mutual=request.param)
    server.mutual = request.param
    yield server
    server.close()


@pytest.fixture(params=["rest", "grpc"])
def connect(request, secure, tls):
    secure.reset()
    made = []

    def make(**options):
        certificate = (tls / "client.pem", tls / "client.key") if secure.mutual else None
        options = {"ca": tls / "ca.pem", "certificate": certificate, "retries": 0, **options}
        made.append(Client(secure.urls[request.param], "toy", **options))
        return made[-1]

    yield make
    for client in made:
        client.close()


def test_calls_go_over_tls_with_their_headers(connect, secure):
    secure.token = TOKEN["Authorization"]
    np.testing.assert_array_equal(connect(headers=TOKEN).score([[1, 2, 3]])["elbo"], [6])


def test_a_caller_without_a_token_is_refused_once(connect, secure):
    secure.token = TOKEN["Authorization"]
    for headers in (None, {"Authorization": "Bearer 27182"}):
        with pytest.raises(PermissionDeniedError, match="No token, or another") as caught:
            connect(headers=headers, retries=3).score([[1, 2, 3]])
        assert "27182" not in str(caught.value)


def test_a_certificate_that_nobody_knows_is_not_trusted_and_not_tried_again(connect, pauses):
    with pytest.raises(
        ServingError, match="The certificate of the server is not trusted: pass its authority's PEM file as `ca`"
    ) as caught:
        connect(ca=None, retries=3).score([[1, 2, 3]])
    assert not isinstance(caught.value, UnavailableError) and not pauses


def test_a_server_that_wants_a_certificate_refuses_a_client_without(connect, secure):
    client = connect(certificate=None)
    if secure.mutual:
        with pytest.raises(UnavailableError):
            client.score([[1, 2, 3]])
    else:
        assert client.score([[1, 2, 3]])["elbo"] == 6


@pytest.mark.parametrize(
    ("url", "target", "path"),
    [
        ("https://example.org", "example.org:443", ""),
        ("grpcs://example.org", "example.org:443", ""),
        ("http://example.org", "example.org:80", ""),
        ("https://example.org:8443/models/", "example.org:8443", "/models"),
        ("https://[::1]", "[::1]:443", ""),
        ("grpc://[::1]:8500", "[::1]:8500", ""),
    ],
)
def test_a_url_has_the_port_of_its_scheme(url, target, path):
    address = Address.read(url)
    assert (address.target, address.path) == (target, path)
    assert address.tls == url.startswith(("https", "grpcs")) and address.grpc == url.startswith("grpc")


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(FileNotFoundError, match=r"nowhere\.pem"):
        Client("https://localhost", "cvae", ca="nowhere.pem")
