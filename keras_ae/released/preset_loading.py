import os
import pathlib
from typing import TYPE_CHECKING, Any

from keras_ae.autoencoder import Autoencoder
from keras_ae.released.card import damage, read_card
from keras_ae.released.layout import CONFIG, METADATA, WEIGHTS, read
from keras_ae.released.preset_catalogue import find

if TYPE_CHECKING:
    from keras_ae.outliers import OutlierDetector


def from_preset(preset: str | os.PathLike, *, verify: bool = False) -> "Autoencoder | OutlierDetector":
    """Loads a released model, or any model or detector that `save_to_preset` wrote.

    Every file is compared with its SHA-256 on the card before it is read, and the model is loaded as `kae.load` loads
    an untrusted file: registered classes only, nothing unpickled, no code. The hashes show that the files belong
    together, not who wrote them.

    Args:
        preset: a name in `kae.presets()`, a folder, or the address of a Hugging Face repository, "hf://user/name",
            which needs `pip install "keras_ae[hub]"`.
        verify: whether to compare the model's outputs with the stored ones, as `keras-ae verify preset:NAME` does:
            codes, reconstructions, samples, the likelihood of stored examples, and the LiteRT decoders.

    Returns:
        The model, not compiled; for the preset of a detector, the fitted `OutlierDetector`.

    Raises:
        ValueError: for an unknown name, a damaged file, a preset of a later version, and with `verify` for an answer
            that differs.
        FileNotFoundError: for a folder that is not a preset.
        ImportError: for an address without `huggingface_hub`.

    Example:
        >>> import keras_ae as kae
        >>> model = kae.from_preset("cvae_mnist")
        >>> model.sample(10, condition=range(10), seed=7).shape
        TensorShape([10, 28, 28, 1])
    """
    folder = find(preset)
    _, loaded = opened(folder)
    if verify:
        from keras_ae.released.verification import verify_preset  # imports the exporters

        problems = verify_preset(folder, loaded=loaded).problems
        if problems:
            raise ValueError(f"{preset} does not do what its card says: {problems[0]}")
    return loaded


def opened(folder: pathlib.Path) -> "tuple[dict[str, Any], Autoencoder | OutlierDetector]":
    """Returns the card of the preset in a folder, and its model or detector, after all hashes were compared."""
    card = read_card(folder)
    unlisted = [name for name in (CONFIG, WEIGHTS, METADATA) if name not in card["files"]]
    if unlisted:
        raise ValueError(f"{folder} is damaged: its card does not list {unlisted[0]}.")
    for name, finding in damage(folder, card).items():
        raise ValueError(f"{folder / name} is {finding}. Get the preset again.")
    return card, read(folder, card)
