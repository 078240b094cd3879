"""The client over REST and gRPC, on a server of our own that runs the signatures of an export."""

import contextlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import keras_ae as kae
from keras_ae.export.verification.probes import server_probes
from keras_ae.serving import (
    Client,
    InvalidArgumentError,
    NotFoundError,
    ServingError,
)

# float32 of TensorFlow and of Keras; REST and gRPC both carry all of its digits.
TOLERANCE = 2e-6
LABELS = np.arange(10, dtype=np.int32)


def codes(num=10):
    return np.random.default_rng(0).standard_normal([num, 4]).astype(np.float32)


def check_all_signatures(client, model):
    probes = server_probes(model)
    assert {probe.signature for probe in probes} | {"serving_default"} == set(client.signatures())
    for probe in probes:
        found = client.call(probe.signature, **probe.inputs)
        assert set(found) == set(probe.outputs)
        for name, expected in probe.outputs.items():
            assert found[name].dtype == expected.dtype and found[name].shape == expected.shape
            np.testing.assert_allclose(found[name], expected, rtol=1e-5, atol=TOLERANCE)


def test_every_signature_gives_what_the_model_gives(connect, cvae):
    check_all_signatures(connect(), cvae)


def test_the_methods_are_those_of_the_model(connect, cvae):
    client, x = connect(), np.random.default_rng(1).random([3, 8, 8, 1])
    np.testing.assert_allclose(client.decode(codes(), condition=LABELS), cvae.decode(codes(), LABELS), atol=TOLERANCE)
    np.testing.assert_allclose(
        client.generate(seed=7, num=3, condition=[1, 2, 3]), cvae.sample(3, [1, 2, 3], seed=7), atol=TOLERANCE
    )
    np.testing.assert_allclose(
        client.encode(x, condition=[1, 2, 3])["z"], cvae.encode(x, np.int32([1, 2, 3])), atol=TOLERANCE
    )
    np.testing.assert_allclose(
        client.reconstruct(x, condition=[1, 2, 3]), cvae.reconstruct(x, np.int32([1, 2, 3])), atol=TOLERANCE
    )


def test_a_single_value_holds_for_all_rows(connect, server, cvae):
    client = connect()
    expected = cvae.decode(codes(), np.full(10, 3))
    np.testing.assert_allclose(client.decode(codes(), condition=3), expected, atol=TOLERANCE)
    np.testing.assert_allclose(client.decode(codes()[0], condition=3), expected[:1], atol=TOLERANCE)
    # A server with batching takes inputs with one number of rows only.
    assert [len(inputs["condition"]) for _, inputs in server.requests] == [10, 1]
    np.testing.assert_allclose(client.generate(seed=7, num=2, condition=3), cvae.sample(2, 3, seed=7), atol=TOLERANCE)


def test_conditions_go_by_the_names_of_the_properties(connect):
    found = connect("toy").call("sample", seed=[5, 6], digit=[1, 2], tilt=[[0.5, 0.25]])
    expected = np.float32([[5, 1, 0.5, 0.25], [6, 2, 0.5, 0.25]])
    np.testing.assert_array_equal(found["x"], expected)
    np.testing.assert_array_equal(connect("toy").sample([5, 6], digit=[1, 2], tilt=[0.5, 0.25]), expected)


def test_bytes_come_as_bytes(connect):
    found = connect("toy").call("sample", seed=[5, 6], digit=[1, 2], tilt=[[0.5, 0.25]])
    tensors = [tf.io.parse_tensor(png, tf.float32).numpy() for png in found["png_bytes"]]
    np.testing.assert_array_equal(tensors, found["x"])


def test_several_outputs_come_by_their_names(connect):
    found = connect("toy").score([[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(found["elbo"], [6, 15])
    np.testing.assert_array_equal(found["kl"], [3, 6])


def test_scores_of_a_detector_are_those_of_python(connect, detector, digits):
    x, labels = (values[100:120] for values in digits)
    found = connect("detector").score(x, condition=labels)
    np.testing.assert_allclose(found["score"], -detector.score_samples(x, labels), rtol=1e-4)  # float32
    np.testing.assert_allclose(found["p_value"], detector.p_values(x, labels), atol=1.01 / 51)  # one step
    assert found["outlier"].dtype == np.int32 and set(found["outlier"]) <= {0, 1}


def test_a_large_batch_is_sent_in_parts(connect, server, cvae):
    found = connect(max_rows=4).decode(codes(), condition=LABELS)
    assert [len(inputs["z"]) for _, inputs in server.requests] == [4, 4, 2]
    np.testing.assert_allclose(found, cvae.decode(codes(), LABELS), atol=TOLERANCE)


def test_a_signature_with_scalars_is_called_once(connect, server, cvae):
    found = connect(max_rows=4).generate(seed=7, num=10, condition=LABELS)
    assert len(server.requests) == 1
    np.testing.assert_allclose(found, cvae.sample(10, LABELS, seed=7), atol=TOLERANCE)


def test_answers_are_not_limited_to_the_4_megabytes_of_grpc(server):
    with Client(server.urls["grpc"], "cvae", max_rows=20_000) as client:
        assert client.decode(codes(20_000), condition=3).nbytes > 5e6
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("name", "inputs", "sentence"),
    [
        ("decode", {"z": codes(2), "condition": [3, 10]}, r"`condition` must hold labels in \[0, 10\)"),
        ("decode", {"z": [[0, np.nan, 0, 0]], "condition": [3]}, "`z` must be finite"),
        ("decode", {"z": [[0, 1e300, 0, 0]], "condition": [3]}, "`z` must be finite"),
        ("generate", {"seed": 1, "num": 20_001, "condition": 3}, r"`num` must be in \[1, 20000\]"),
    ],
)
def test_what_the_server_refuses_is_an_error_with_its_sentence(connect, server, pauses, name, inputs, sentence):
    with pytest.raises(InvalidArgumentError, match=sentence) as caught:
        getattr(connect(), name)(**inputs)
    assert isinstance(caught.value, ValueError) and isinstance(caught.value, ServingError)
    assert len(server.requests) == 1 and pauses == []  # not tried again


@pytest.mark.parametrize(
    ("name", "inputs", "sentence"),
    [
        ("draw", {}, r"`signature` must be one of \['decode', .*'serving_default'\]. Received: signature='draw'"),
        ("decode", {"z": codes()}, r"`decode` takes \['condition', 'z'\]. Received: \['z'\]"),
        ("decode", {"z": codes(), "label": 3}, r"`decode` takes \['condition', 'z'\]. Received: \['label', 'z'\]"),
        ("decode", {"z": np.zeros([2, 5]), "condition": 3}, r"`z` must have shape \[None, 4\]. Received: \[2, 5\]"),
        ("decode", {"z": codes(), "condition": [1, 2]}, "equal numbers of rows, or a single row. Received: .*10.*2"),
        ("decode", {"z": np.zeros([0, 4]), "condition": [3, 4]}, "equal numbers of rows, or a single row"),
        ("decode", {"z": codes(), "condition": 3.0}, "`condition` must hold int32 numbers. Received: dtype float64"),
        ("decode", {"z": ["a"] * 4, "condition": 3}, "`z` must hold float32 numbers. Received: dtype <U1"),
        ("generate", {"seed": 2**31, "num": 1, "condition": 3}, "`seed` must hold int32 .* Received: 2147483648"),
        ("generate", {"seed": [1], "num": 1, "condition": 3}, r"`seed` must have shape \[\]. Received: \[1\]"),
    ],
)
def test_what_does_not_fit_is_not_sent(connect, server, name, inputs, sentence):
    known = connect().signatures().get(name)
    optional = {"temperature": 1.0} if known and "temperature" in known.inputs else {}
    with pytest.raises(ValueError, match=sentence):
        connect().call(name, **optional, **inputs)
    assert server.requests == []


def test_the_example_of_the_readme_runs(server, cvae, serving_files):
    (example,) = re.findall(r"```python\n(.*?)```", (serving_files / "README.md").read_text(), re.DOTALL)
    names = {}
    exec(example.replace("grpc://localhost:8500", server.urls["grpc"]), names)
    np.testing.assert_allclose(names["x"], cvae.sample(3, 3, seed=7), atol=TOLERANCE)


@pytest.mark.parametrize("empty", [[], np.zeros([0, 4])])
def test_an_empty_batch_gives_empty_arrays_and_is_not_sent(connect, server, empty):
    found = connect().decode(empty, condition=3)
    assert found.shape == (0, 8, 8, 1) and found.dtype == np.float32
    assert set(connect().encode([], condition=[])) == {"z", "scale"}
    assert connect("toy").sample([], digit=[], tilt=[]).shape == (0, 4)
    assert server.requests == []


def test_many_numbers_over_rest_are_warned_of_once(connect, server, monkeypatch):
    client = connect()
    monkeypatch.setattr("keras_ae.serving.client._MANY", 10 * (4 + 1 + 64) - 1)  # z, condition and x of ten rows
    rest = client._connection.numbers_are_text
    warned = pytest.warns(UserWarning, match="this call has 690 of them. gRPC takes about a hundredth")
    with warned if rest else contextlib.nullcontext():
        client.decode(codes(), condition=3)
    client.decode(codes(), condition=3)


def test_models_and_versions_go_by_name_and_number(connect, cvae):
    found = connect(version=1).decode(codes(), condition=3)
    np.testing.assert_allclose(found, cvae.decode(codes(), [3] * 10), atol=TOLERANCE)
    for model, version in [("cvae", 2), ("vae", None), ("cvae/toy", None)]:
        with pytest.raises(NotFoundError, match="Servable not found"):
            connect(model, version=version).signatures()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"url": "localhost:8501"}, "`url` must be grpc://host:port"),
        ({"url": "grpc://localhost"}, "`url` must be grpc://host:port"),
        ({"url": "ftp://localhost:8501"}, "`url` must be grpc://host:port"),
        ({"url": "http://localhost:abc"}, "`url` must be grpc://host:port"),
        ({"url": "grpc://localhost:8500/models"}, "`url` must have no path for gRPC"),
        ({"url": "https://me:secret@localhost"}, "`url` must not hold a name or password: use `headers`"),
        ({"url": None}, "`url` must be grpc://host:port"),
        ({"ca": "ca.pem"}, "`ca` needs TLS: an address with https://"),
        ({"certificate": ("a", "b")}, "`certificate` needs TLS"),
        ({"url": "https://localhost", "certificate": "a.pem"}, "`certificate` must be two PEM files"),
        ({"headers": {"Authorization": "a\nb"}}, "`headers` must be a dictionary of printable ASCII strings"),
        ({"headers": "Bearer a"}, "`headers` must be a dictionary"),
        ({"timeout": 0}, "`timeout` must be > 0"),
        ({"retries": -1}, "`retries` must be an integer >= 0"),
        ({"max_rows": 0}, "`max_rows` must be a positive integer"),
        ({"version": 0}, "`version` must be a positive integer"),
    ],
)
def test_wrong_arguments_are_named(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        Client(**{"url": "http://localhost:8501", "model": "cvae", **arguments})


@pytest.mark.parametrize(("scheme", "package"), [("http", "urllib3"), ("grpc", "tensorflow_serving")])
def test_a_missing_package_is_named(monkeypatch, scheme, package):
    for name in list(sys.modules):
        if name.startswith(f"{package}.") or name.endswith(("rest_connection", "grpc_connection")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"pip install 'keras_ae\[serving\]' .*{package}"):
        Client(f"{scheme}://localhost:8501", "cvae")


def test_the_rest_client_does_not_load_tensorflow():
    code = """
import sys
from keras_ae.serving import Client
Client("http://localhost:8501", "cvae")
print({"tensorflow", "keras", "grpc"} & set(sys.modules))
"""
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "set()"


@pytest.mark.skipif(
    shutil.which("tensorflow_model_server") is None, reason="tensorflow_model_server is not on the PATH"
)
def test_a_real_server_gives_what_the_model_gives(models, cvae, free_port, tmp_path):
    kae.serving.write_config(tmp_path / "models.config", models)
    ports = {"grpc": free_port(), "http": free_port()}
    command = [kae.serving.find_server(), f"--port={ports['grpc']}", f"--rest_api_port={ports['http']}"]
    with subprocess.Popen([*command, f"--model_config_file={tmp_path / 'models.config'}"]) as process:
        try:
            for scheme, port in ports.items():
                with Client(f"{scheme}://127.0.0.1:{port}", "cvae", retries=9) as client:
                    check_all_signatures(client, cvae)
                    with pytest.raises(InvalidArgumentError, match=r"`condition` must hold labels in \[0, 10\)"):
                        client.decode(codes(), condition=10)
        finally:
            process.terminate()
