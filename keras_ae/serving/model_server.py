"""Launches TensorFlow Serving's model server on a folder of exported models."""

import json
import os
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
# As in compose.yaml: no root, no capabilities, only /tmp is writable. The models must be readable by all.
_HARDENED = (
    "--user=10001:10001", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--read-only", "--tmpfs=/tmp",
)  # fmt: skip


def find_server() -> str | None:
    """Returns the path of `tensorflow_model_server`, or `None` if it is not on the PATH."""
    return shutil.which(_BINARY)


def find_container_engine() -> str | None:
    """Returns the first of `"docker"` and `"podman"` on the PATH, or `None`. Both take the same `run` command."""
    return next((name for name in _ENGINES if shutil.which(name)), None)


def write_config(path: str | os.PathLike, folder: str | os.PathLike, *, root: str | None = None) -> None:
    """Writes the config file that lists all models in a folder for TensorFlow Serving.

    Args:
        path: path of the config file.
        folder: folder of models, each a folder of numbered versions.
        root: path of the folder as the server sees it; by default `folder`.

    Raises:
        ValueError: for a folder without models, or a model name that cannot be part of a URL.
    """
    folder = pathlib.Path(folder).resolve()
    root = pathlib.PurePosixPath(root or folder)
    configs = "".join(_config(name, root / name) for name in _models(folder))
    with replacing(path) as temporary:
        temporary.write_text(f"model_config_list {{\n{configs}}}\n", encoding="utf-8")


def serve(folder: str | os.PathLike, *, port: int = 8500, rest_port: int = 8501) -> int:
    """Runs `tensorflow_model_server` on the models in a folder until it ends, and forwards SIGINT and SIGTERM to it.

    Args:
        folder: folder of models, each a folder of numbered versions.
        port: gRPC port.
        rest_port: REST port.

    Returns:
        The exit status of the server, or 128 plus the number of the signal that ended it.

    Raises:
        FileNotFoundError: if `tensorflow_model_server` is not on the PATH.
        ValueError: for a folder without models, or invalid ports.
    """
    _check_ports(port, rest_port)
    server = find_server()
    if server is None:
        raise FileNotFoundError(f"{_BINARY} is not on the PATH.")
    with tempfile.TemporaryDirectory() as temporary:
        config = pathlib.Path(temporary) / _CONFIG
        write_config(config, folder)
        ports = [f"--port={port}", f"--rest_api_port={rest_port}"]
        code = _run([server, *ports, f"--model_config_file={config}"])
    return code if code >= 0 else 128 - code


def container_command(folder: str | os.PathLike, *, port: int = 8500, rest_port: int = 8501) -> str:
    """Returns the command that serves the models in a folder with the official image, and writes `models.config` there.

    Args:
        folder: folder of models, each a folder of numbered versions.
        port: gRPC port on this machine, not reachable from other machines.
        rest_port: REST port, likewise.

    Returns:
        The shell command.

    Raises:
        ValueError: for a folder without models, or invalid ports.
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
    # JSON strings are valid in protobuf's text format.
    lines = [f"    {field}: {json.dumps(value, ensure_ascii=False)}\n" for field, value in fields.items()]
    return f"  config {{\n{''.join(lines)}  }}\n"


def _models(folder):
    """Returns the names of the models in a folder."""
    versions = [path.parent for path in folder.glob("*/*/saved_model.pb") if path.parent.name.isdecimal()]
    names = sorted({version.parent.name for version in versions})
    if not names:
        raise ValueError(
            "`folder` must hold models, each a folder of numbered versions: models/cvae/1/saved_model.pb. "
            f"Received: {folder}"
        )
    wrong = [name for name in names if not re.fullmatch("[A-Za-z0-9._-]+", name)]
    if wrong:
        raise ValueError(
            f"The name of a served model must consist of ASCII letters, digits, ., _ and -. Received: {wrong}"
        )
    return names


def _check_ports(port, rest_port):
    for name, value in {"port": port, "rest_port": rest_port}.items():
        if not 0 < value < 2**16:
            raise ValueError(f"`{name}` must be in [1, 65535]. Received: {name}={value}")
    if port == rest_port:
        raise ValueError(f"`rest_port` must differ from `port`. Received: rest_port={rest_port}")


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
