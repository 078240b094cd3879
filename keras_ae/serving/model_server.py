"""The model server of TensorFlow Serving, started on a folder of exported models. No server of our own is in here."""

import json
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import tempfile

from keras_ae.io.writing import replacing

IMAGE = "tensorflow/serving:2.19.1"
_BINARY = "tensorflow_model_server"
_ENGINES = ("docker", "podman")
_CONFIG = "models.config"
# As compose.yaml has it: no root, no capabilities, nothing writable but /tmp. The models must be readable by all.
_HARDENED = (
    "--user=10001:10001", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--read-only", "--tmpfs=/tmp",
)  # fmt: skip


def find_server():
    """The path of `tensorflow_model_server`, or `None` where none is on the PATH."""
    return shutil.which(_BINARY)


def find_container_engine() -> str | None:
    """`"docker"` or `"podman"`, the first that is on the PATH, or `None`. Both take the same `run` command."""
    return next((name for name in _ENGINES if shutil.which(name)), None)


def write_config(path, folder, *, root=None):
    """Writes the file that tells TensorFlow Serving which models there are: all those in a folder.

    Args:
        path: where to write it.
        folder: the folder that holds the models, each a folder of numbered versions.
        root: where the server will see that folder; where it is, if not given.

    Raises:
        ValueError: for a folder without models, or a model whose name cannot be part of a URL.
    """
    folder = pathlib.Path(folder).resolve()
    root = pathlib.PurePosixPath(root or folder)
    configs = "".join(_config(name, root / name) for name in _models(folder))
    with replacing(path) as temporary:
        temporary.write_text(f"model_config_list {{\n{configs}}}\n", encoding="utf-8")


def serve(folder, *, port=8500, rest_port=8501):
    """Runs `tensorflow_model_server` on the models in a folder until it ends; SIGINT and SIGTERM are handed on to it.

    Args:
        folder: the folder that holds the models, each a folder of numbered versions.
        port: for gRPC.
        rest_port: for REST.

    Returns:
        The exit status of the server; 128 plus the number of the signal that ended it.

    Raises:
        FileNotFoundError: if there is no `tensorflow_model_server`.
        ValueError: for a folder without models, or wrong ports.
    """
    _check_ports(port, rest_port)
    server = find_server()
    if server is None:
        raise FileNotFoundError(f"There is no {_BINARY} on the PATH.")
    with tempfile.TemporaryDirectory() as temporary:
        config = pathlib.Path(temporary) / _CONFIG
        write_config(config, folder)
        ports = [f"--port={port}", f"--rest_api_port={rest_port}"]
        code = _run([server, *ports, f"--model_config_file={config}"])
    return code if code >= 0 else 128 - code


def container_command(folder, *, port=8500, rest_port=8501):
    """The command that serves the models in a folder with the official image; their `models.config` is written there.

    Args:
        folder: the folder that holds the models, each a folder of numbered versions.
        port: of this machine, for gRPC; other machines do not reach it.
        rest_port: the same for REST.

    Returns:
        The command, for a shell.

    Raises:
        ValueError: for a folder without models, or wrong ports.
    """
    _check_ports(port, rest_port)
    folder = pathlib.Path(folder).resolve()
    write_config(folder / _CONFIG, folder, root="/models")
    ports = ["-p", f"127.0.0.1:{port}:8500", "-p", f"127.0.0.1:{rest_port}:8501"]
    mount = ["--mount", f"type=bind,source={folder},target=/models,readonly"]
    engine = find_container_engine() or _ENGINES[0]
    flags = [*ports, *mount, *_HARDENED]
    return shlex.join([engine, "run", "--rm", *flags, IMAGE, f"--model_config_file=/models/{_CONFIG}"])


def _config(name, path):
    fields = {"name": name, "base_path": str(path), "model_platform": "tensorflow"}
    # A string of JSON is one of protobuf's text format too.
    lines = [f"    {field}: {json.dumps(value, ensure_ascii=False)}\n" for field, value in fields.items()]
    return f"  config {{\n{''.join(lines)}  }}\n"


def _models(folder):
    """The names of the models in a folder."""
    versions = [path.parent for path in folder.glob("*/*/saved_model.pb") if path.parent.name.isdecimal()]
    names = sorted({version.parent.name for version in versions})
    if not names:
        raise ValueError(
            "`folder` must hold models, each a folder of numbered versions: models/cvae/1/saved_model.pb. "
            f"Received: {folder}"
        )
    wrong = [name for name in names if not re.fullmatch("[A-Za-z0-9._-]+", name)]
    if wrong:
        raise ValueError(f"A model must be called by ASCII letters, digits, ., _ and - to be served. Received: {wrong}")
    return names


def _check_ports(port, rest_port):
    for name, value in {"port": port, "rest_port": rest_port}.items():
        if not 0 < value < 2**16:
            raise ValueError(f"`{name}` must be in [1, 65535]. Received: {name}={value}")
    if port == rest_port:
        raise ValueError(f"`rest_port` must not be `port`. Received: rest_port={rest_port}")


def _run(command):
    process = subprocess.Popen(command)
    handlers = {
        number: signal.signal(number, lambda number, frame: process.send_signal(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        return process.wait()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
