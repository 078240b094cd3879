import datetime
import os
import pathlib
import platform
import sys
from importlib import metadata
from typing import Any

import keras_ae

_PACKAGES = ("tensorflow", "keras", "tensorflow-probability", "numpy", "ai-edge-litert")


def environment() -> dict[str, Any]:
    """Returns time, command, versions and platform, for the records of runs and evaluations."""
    return {
        "written": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "command": ["keras-ae", *sys.argv[1:]] if _is_ours(pathlib.Path(sys.argv[0])) else None,
        "versions": {
            "keras_ae": keras_ae.__version__,
            "python": platform.python_version(),
            **{name: _version(name) for name in _PACKAGES},
        },
        "machine": {"system": platform.system(), "architecture": platform.machine(), "cores": os.cpu_count()},
    }


def _is_ours(program: pathlib.Path) -> bool:
    """Whether the process is `keras-ae` or `python -m keras_ae`."""
    return program.name == "keras-ae" or program.parts[-2:] == ("keras_ae", "__main__.py")


def _version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
