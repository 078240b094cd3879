"""exports/c/generate.c, built as its README says, against Keras."""

import functools

import numpy as np
import pytest

from keras_ae.export.signatures.server import ServerSignatures
from keras_ae.export.signatures.signature import write
from keras_ae.export.verification.probes import server_probes

pytestmark = pytest.mark.slow  # tests/export/test_one_seed.py has its pictures in the short run


@pytest.fixture(scope="module")
def run_with(c_program, cvae, tmp_path_factory):
    """A function that runs a signature of the model, as `c_program` does."""
    directory = tmp_path_factory.mktemp("model") / "1"
    write(directory, ServerSignatures(cvae, 8).all())
    return functools.partial(c_program, directory)


@pytest.fixture(scope="module")
def run(run_with):
    """The same without options: pictures of a signature and its inputs by name."""
    return lambda signature, **inputs: run_with(signature, inputs)[0]


@pytest.mark.parametrize("signature", ["generate", "decode"])
def test_the_pictures_are_those_of_keras(run, cvae, signature):
    probe = [probe for probe in server_probes(cvae) if probe.signature == signature][-1]
    found = run(signature, **probe.inputs)
    np.testing.assert_allclose(found, probe.outputs["x"], atol=1e-6)  # float32; the same kernels


def test_calls_are_timed_where_that_is_asked_for(run_with, cvae):
    probe = server_probes(cvae)[0]
    found, lines = run_with("decode", probe.inputs, ["--time"], "3\n2\n")
    np.testing.assert_allclose(found, probe.outputs["x"], atol=1e-6)
    times = [[float(time) for time in line.split()] for line in lines]
    assert [len(line) for line in times] == [3, 2]
    assert all(0 < time < 10e6 for line in times for time in line)  # microseconds
    with pytest.raises(RuntimeError, match="is not a number of calls"):
        run_with("decode", probe.inputs, ["--time"], "0\n")


def test_what_the_model_refuses_is_said_with_its_sentence(run, cvae):
    probe = server_probes(cvae)[0]
    with pytest.raises(RuntimeError, match=r"The model rejected the call: .*`condition` must hold labels in \[0, 10\)"):
        run("decode", **{**probe.inputs, "condition": [10]})


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({"z": [1, 2, 3], "condition": [1]}, "decode_z: takes another number of values"),
        ({"z": [1, 2, 3, "x"], "condition": [1]}, "x: is no number"),
        ({"z": [1, 2, 3, 4], "condition": [2**31]}, "2147483648: is out of the range of int32"),
    ],
)
def test_wrong_numbers_are_refused(run, inputs, sentence):
    with pytest.raises(RuntimeError, match=sentence):
        run("decode", **inputs)
