"""exports/c/generate.c, built as its README says, against Keras."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from tensorflow.core.protobuf import saved_model_pb2

import keras_ae as kae
from keras_ae.export.probes import server_probes
from keras_ae.export.server import ServerSignatures
from keras_ae.export.signatures import write

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="there is no C compiler, gcc")
SOURCE = pathlib.Path(kae.__file__).parent.parent / "exports" / "c" / "generate.c"


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The program, built with the lines of the README, and all warnings."""
    folder = tmp_path_factory.mktemp("c")
    (folder / "exports").symlink_to(SOURCE.parent.parent)
    build = re.findall(r"```sh\n(.*?)```", SOURCE.with_name("README.md").read_text(), re.DOTALL)[0]
    # TensorFlow's library has 1 GB: gold links in 2 s of CPU time, the usual linker in 10 s.
    linker = " -fuse-ld=gold" if shutil.which("ld.gold") else ""
    build = build.replace("gcc -O2", f"gcc -O2 -std=c11 -Wall -Wextra -Werror{linker}")
    path = f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(build, shell=True, cwd=folder, env={**os.environ, "PATH": path}, check=True)
    return folder / "generate"


@pytest.fixture(scope="module")
def directory(cvae, tmp_path_factory):
    directory = tmp_path_factory.mktemp("model") / "1"
    write(directory, ServerSignatures(cvae, 8).all())
    return directory


@pytest.fixture(scope="module")
def run_with(program, directory, tmp_path_factory):
    """A function that runs a signature of the model: the tensors are those that its definition names.

    It takes the signature, its inputs, options and what the program reads; it returns the pictures, and the lines that
    the program said after their shape.
    """
    content = saved_model_pb2.SavedModel.FromString((directory / "saved_model.pb").read_bytes())
    definitions = content.meta_graphs[0].signature_def

    def call(signature, inputs, options=(), asked=""):
        definition = definitions[signature]
        values = {name: ",".join(map(str, np.ravel(value).tolist())) for name, value in inputs.items()}
        arguments = [f"{definition.inputs[name].name}={numbers}" for name, numbers in values.items()]
        file = tmp_path_factory.mktemp("out") / "x.f32"
        command = [program, *options, directory, file, definition.outputs["x"].name, *arguments]
        environment = {"TF_CPP_MIN_LOG_LEVEL": "3"}
        result = subprocess.run(command, capture_output=True, text=True, env=environment, input=asked)
        if result.returncode:
            raise RuntimeError(result.stderr)
        shape, *lines = result.stdout.splitlines()
        return np.fromfile(file, np.float32).reshape([int(size) for size in shape.split()]), lines

    return call


@pytest.fixture(scope="module")
def run(run_with):
    """The same without options: pictures of a signature and its inputs by name."""
    return lambda signature, **inputs: run_with(signature, inputs)[0]


@pytest.mark.parametrize("signature", ["decode", "generate"])
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
    with pytest.raises(RuntimeError, match="is no number of calls"):
        run_with("decode", probe.inputs, ["--time"], "0\n")


def test_what_the_model_refuses_is_said_with_its_sentence(run, cvae):
    probe = server_probes(cvae)[0]
    with pytest.raises(RuntimeError, match=r"The model refused the call: .*`condition` must hold labels in \[0, 10\)"):
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
