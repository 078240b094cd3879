"""Presets at Hugging Face: a repository has the files of a preset as they are."""

import os
import pathlib
import re

from keras_ae.released.card import damage, read_card
from keras_ae.released.catalogue import REMOTE, find

_ADDRESS = re.compile(r"hf://([\w.-]+/[\w.-]+)")


def download(address: str) -> pathlib.Path:
    """Returns the folder of a repository in the cache of `huggingface_hub`, after it was downloaded."""
    repository, hub = _repository("preset", address), _hub()
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return pathlib.Path(hub.snapshot_download(repository, library_name="keras_ae"))
    except (HfHubHTTPError, LocalEntryNotFoundError) as error:
        raise FileNotFoundError(f"{address} could not be read: {str(error).splitlines()[0]}") from error


def upload_preset(uri: str, preset: str | os.PathLike) -> str:
    """Uploads a preset to a Hugging Face repository, which is created if it is missing.

    `hf auth login` stores the token that it needs.

    Args:
        uri: address of the repository, "hf://user/name".
        preset: the folder of the preset, or its name.

    Returns:
        The address of the commit.

    Raises:
        ValueError: for another address, and for a preset with damaged files.
        ImportError: without `huggingface_hub`: `pip install "keras_ae[hub]"`.
    """
    repository, folder = _repository("uri", uri), find(preset)
    for name, finding in damage(folder, read_card(folder)).items():
        raise ValueError(f"{folder / name} is {finding}: it is not uploaded.")
    api = _hub().HfApi(library_name="keras_ae")
    api.create_repo(repository, exist_ok=True)
    return str(api.upload_folder(repo_id=repository, folder_path=folder, commit_message="Upload a keras_ae preset"))


def _repository(argument, address):
    found = _ADDRESS.fullmatch(address) if isinstance(address, str) else None
    if found is None:
        raise ValueError(f"`{argument}` must be an address such as {REMOTE}user/name. Received: {address!r}")
    return found[1]


def _hub():
    try:
        import huggingface_hub
    except ImportError as error:
        raise ImportError('Addresses hf:// need huggingface_hub: pip install "keras_ae[hub]".') from error
    return huggingface_hub
