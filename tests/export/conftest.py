import os
import pathlib
import re
import shutil
import subprocess
import sys

import browser_fixtures
import numpy as np
import page_server
import pytest
from tensorflow.core.protobuf import saved_model_pb2

import keras_ae as kae
from keras_ae.explore.page import libraries
from keras_ae.networks import MLP

PAGE = libraries.STATIC / "index.html"
EXPORTS = pathlib.Path(kae.__file__).parent.parent / "exports"
browser, node_modules = browser_fixtures.browser, browser_fixtures.node_modules


@pytest.fixture(scope="session")
def small():
    """A function that builds a small model; its pictures depend on codes and condition without any training."""

    def build(condition=None, *, encoder=None, decoder=None, event_shape=(8, 8, 1), **parts):
        networks = encoder or MLP([16]), decoder or MLP([64])
        model = kae.Autoencoder(*networks, latent_dim=4, condition=condition, **parts)
        model.build((None, *event_shape))
        return model

    return build


@pytest.fixture(scope="session")
def cvae(small):
    return small(kae.Categorical(10))


@pytest.fixture(scope="session")
def c_program(tmp_path_factory):
    """A function that runs a signature of a SavedModel with exports/c/generate.c, built as its README says.

    It takes the folder, the signature, its inputs, options and what the program reads; it returns the pictures, and the
    lines that the program said after their shape.
    """
    if shutil.which("gcc") is None:
        pytest.skip("there is no C compiler, gcc")
    folder = tmp_path_factory.mktemp("c")
    (folder / "exports").symlink_to(EXPORTS)
    build = re.findall(r"```sh\n(.*?)```", (EXPORTS / "c" / "README.md").read_text(), re.DOTALL)[0]
    # TensorFlow's library has 1 GB: gold links in 2 s of CPU time, the usual linker in 10 s.
    linker = " -fuse-ld=gold" if shutil.which("ld.gold") else ""
    build = build.replace("gcc -O2", f"gcc -O2 -std=c11 -Wall -Wextra -Werror{linker}")
    path = f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(build, shell=True, cwd=folder, env={**os.environ, "PATH": path}, check=True)

    def call(directory, signature, inputs, options=(), asked=""):
        content = saved_model_pb2.SavedModel.FromString((directory / "saved_model.pb").read_bytes())
        definition = content.meta_graphs[0].signature_def[signature]
        values = {name: ",".join(map(str, np.ravel(value).tolist())) for name, value in inputs.items()}
        arguments = [f"{definition.inputs[name].name}={numbers}" for name, numbers in values.items()]
        file = tmp_path_factory.mktemp("out") / "x.f32"
        command = [folder / "generate", *options, directory, file, definition.outputs["x"].name, *arguments]
        environment = {"TF_CPP_MIN_LOG_LEVEL": "3"}
        result = subprocess.run(command, capture_output=True, text=True, env=environment, input=asked)
        if result.returncode:
            raise RuntimeError(result.stderr)
        shape, *lines = result.stdout.splitlines()
        return np.fromfile(file, np.float32).reshape([int(size) for size in shape.split()]), lines

    return call


@pytest.fixture(scope="session")
def site(node_modules, tmp_path_factory):
    """A folder with the modules of the page that keras_ae writes, and its address on 127.0.0.1."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "index.html").write_text(re.sub('<script type="module".*?</script>', "", PAGE.read_text()))
    (folder / "model.js").symlink_to(PAGE.with_name("model.js"))
    libraries.copy(node_modules, folder / "libraries")
    with page_server.serving(folder) as address:
        yield folder, address
