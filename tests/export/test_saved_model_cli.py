"""TensorFlow's own tool, `saved_model_cli run`, on every signature of an export."""

import pathlib
import sys

import numpy as np
import pytest

from keras_ae.export.signatures.server import ServerSignatures
from keras_ae.export.signatures.signature import write
from keras_ae.export.verification.probes import server_probes

TOOL = pathlib.Path(sys.executable).with_name("saved_model_cli")
QUANTILES = np.linspace(-60, -30, 50, dtype=np.float32)
pytestmark = pytest.mark.slow
NAMES = ["serving_default", "decode", "sample", "generate", "encode", "reconstruct", "score"]


@pytest.fixture(scope="module")
def directory(cvae, tmp_path_factory):
    directory = tmp_path_factory.mktemp("served") / "1"
    write(directory, ServerSignatures(cvae, 8, quantiles=QUANTILES).all())
    return directory


@pytest.fixture(scope="module")
def probes(cvae):
    """{signature: a call, and what the model gives}."""
    found = {probe.signature: probe for probe in server_probes(cvae, quantiles=QUANTILES)}
    return {**found, "serving_default": found["decode"]}


def test_all_signatures_are_run(probes):
    assert set(probes) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_tool_gives_what_the_model_gives(processes, directory, probes, name, tmp_path):
    inputs = []
    for key, value in probes[name].inputs.items():
        np.save(tmp_path / f"{key}.npy", value)
        inputs.append(f"{key}={tmp_path / key}.npy")
    options = {"dir": directory, "tag_set": "serve", "signature_def": name, "inputs": ";".join(inputs), "outdir": "out"}
    processes.run(tmp_path, TOOL, "run", *(word for key, value in options.items() for word in (f"--{key}", value)))
    outputs = {path.stem: np.load(path) for path in (tmp_path / "out").iterdir()}
    assert set(outputs) == set(probes[name].outputs)
    for key, expected in probes[name].outputs.items():
        np.testing.assert_allclose(outputs[key], expected, rtol=1e-5, atol=1e-6)


def test_the_tool_says_what_the_model_refuses(processes, directory, probes, tmp_path):
    inputs = {**probes["decode"].inputs, "condition": np.int32([3, 10, 4])}
    for key, value in inputs.items():
        np.save(tmp_path / f"{key}.npy", value)
    told = ";".join(f"{key}={key}.npy" for key in inputs)
    process = processes.start(
        tmp_path, TOOL, "run", "--dir", directory, "--tag_set=serve", "--signature_def=decode", "--inputs", told
    )
    assert process.wait(60) not in (0, None)
    assert "`condition` must hold labels in [0, 10)" in process.said()
