"""Presets at Hugging Face: a repository has the files of a preset as they are."""

import pathlib
import re
from types import ModuleType

REMOTE = "hf://"
_ADDRESS = re.compile(r"hf://([\w.-]+/[\w.-]+)")


def download(address: str) -> pathlib.Path:
    """Returns the folder of a repository in the cache of `huggingface_hub`, after it was downloaded."""
    repository, hub = repository_of("preset", address), connect()
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return pathlib.Path(hub.snapshot_download(repository, library_name="keras_ae"))
    except (HfHubHTTPError, LocalEntryNotFoundError) as error:
        raise FileNotFoundError(f"{address} could not be read: {str(error).splitlines()[0]}") from error


def repository_of(argument: str, address: str) -> str:
    """Returns "user/name" for "hf://user/name", the value of an argument."""
    found = _ADDRESS.fullmatch(address) if isinstance(address, str) else None
    if found is None:
        raise ValueError(f"`{argument}` must be an address such as {REMOTE}user/name. Received: {address!r}")
    return found[1]


def connect() -> ModuleType:
    """Returns the module `huggingface_hub`, or raises an `ImportError` that names the extra."""
    try:
        import huggingface_hub
    except ImportError as error:
        raise ImportError('Addresses hf:// need huggingface_hub: pip install "keras_ae[hub]".') from error
    return huggingface_hub
