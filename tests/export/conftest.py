import functools
import http.server
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading

import browser_page
import chromium
import numpy as np
import pytest
from tensorflow.core.protobuf import saved_model_pb2

import keras_ae as kae
from keras_ae.networks import MLP

EXPORTS = pathlib.Path(kae.__file__).parent.parent / "exports"


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


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """The server that the README of the page starts, without what it prints."""

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """A folder with the page of exports/browser, and its address on 127.0.0.1."""
    page = EXPORTS / "browser"
    modules = pathlib.Path(os.environ.get("KERAS_AE_NODE_MODULES", page / "node_modules")).absolute()
    if not (modules / "@litertjs" / "core" / "package.json").is_file():
        pytest.skip(f"@litertjs/core is not in {modules}: npm install in exports/browser, or set KERAS_AE_NODE_MODULES")
    folder = tmp_path_factory.mktemp("site")
    for name in ("index.html", "page.js", "decoder.js", "style.css"):
        (folder / name).symlink_to(page / name)
    (folder / "node_modules").symlink_to(modules)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """A headless Chromium, where there is one."""
    if chromium.find() is None:
        pytest.skip("there is no Chromium")
    try:
        made = chromium.Chromium(tmp_path_factory.mktemp("chromium"))
    except (RuntimeError, OSError) as error:  # such as a stand-in that only says how to install it
        pytest.skip(f"{chromium.find()} does not start: {error}")
    yield made
    made.close()


@pytest.fixture(scope="session")
def gray(cvae, site):
    """Gray pictures of ten classes that have labels, three rows a call."""
    folder, _ = site
    kae.export.litert(cvae, folder / "gray.tflite", batch_size=3, notes={"condition": {"labels": list("abcdefghij")}})
    return cvae


@pytest.fixture(scope="session")
def colored(small, site):
    """Colors, 6 x 5 pixels, a class and continuous properties."""
    condition = {"digit": kae.Categorical(3), "slant": kae.Continuous(), "place": kae.Continuous(2)}
    model = small(condition, event_shape=(6, 5, 3))
    places = np.float32([[0, 1], [10, 3], [20, 5]])
    model.condition.adapt({"digit": np.arange(3), "slant": np.float32([0, 10, 20]), "place": places})
    folder, _ = site
    kae.export.litert(model, folder / "colored.tflite", notes={"slant": {"unit": "degrees", "range": [-5.0, 45.0]}})
    return model


@pytest.fixture
def page(site, browser):
    """exports/browser in Chromium."""
    return browser_page.Page(browser, site[1])
