import os

from keras_ae.released.card import damage, read_card
from keras_ae.released.hub import connect, repository_of
from keras_ae.released.preset_catalogue import find


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
    repository, folder = repository_of("uri", uri), find(preset)
    for name, finding in damage(folder, read_card(folder)).items():
        raise ValueError(f"{folder / name} is {finding}: it is not uploaded.")
    api = connect().HfApi(library_name="keras_ae")
    api.create_repo(repository, exist_ok=True)
    return str(api.upload_folder(repo_id=repository, folder_path=folder, commit_message="Upload a keras_ae preset"))
