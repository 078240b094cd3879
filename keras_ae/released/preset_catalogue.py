"""The presets of the package, and the folder of any preset."""

import os
import pathlib
from typing import Any

from keras_ae.io.json_files import read_json
from keras_ae.registry import did_you_mean
from keras_ae.released.hub import REMOTE, download

FOLDER = pathlib.Path(__file__).parent / "models"
CARD = "card.json"
DETECTOR = "detector.json"  # which only the preset of a detector has
_COLUMNS = ("summary", "class", "parameters", "result")


class Presets(dict):
    """{name: its summary, class, parameters and first result}, which prints as a table."""

    def __repr__(self):
        rows = [("preset", *_COLUMNS), *((name, *(str(row[key]) for key in _COLUMNS)) for name, row in self.items())]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
        return "\n".join(line.rstrip() for line in lines)


def presets() -> Presets:
    """Returns the table of the presets that are in the package: {name: summary, class, parameters, result}.

    Example:
        >>> import keras_ae as kae
        >>> "cvae_mnist" in kae.presets()
        True
    """
    return Presets({name: _row(read_json(FOLDER / name / CARD)) for name in names()})


def names() -> list[str]:
    """Returns the names of the presets that are in the package."""
    return sorted(path.parent.name for path in FOLDER.glob(f"*/{CARD}"))


def _row(card: dict[str, Any]) -> dict[str, Any]:
    results = {name: each for name, each in card["metrics"].items() if each.get("ours") is not None}
    first = next((f"{name.rpartition('.')[2]} {each['ours']:.4g}" for name, each in results.items()), "")
    model = card["model"]
    kind = "OutlierDetector" if DETECTOR in card["files"] else model["class"]
    return {"summary": card["summary"], "class": kind, "parameters": model["parameters"], "result": first}


def find(preset: str | os.PathLike) -> pathlib.Path:
    """Returns the folder of a preset, which is downloaded for an address at Hugging Face.

    Args:
        preset: a name of the package, a folder, or "hf://user/name".

    Raises:
        ValueError: for an unknown name.
        FileNotFoundError: for a folder that is not a preset.
    """
    if not isinstance(preset, (str, os.PathLike)) or not os.fspath(preset):
        raise ValueError(f"`preset` must be a name, a folder or an address hf://user/name. Received: {preset!r}")
    text = os.fspath(preset)
    if text.startswith(REMOTE):
        return download(text)
    if text in names():
        return FOLDER / text
    path = pathlib.Path(text).expanduser()
    if path.is_dir():
        if not (path / CARD).is_file():
            raise FileNotFoundError(f"{path} is not a preset: it has no {CARD}. `model.save_to_preset` writes one.")
        return path
    if path.name != text or isinstance(preset, os.PathLike):
        raise FileNotFoundError(f"There is no preset {path}: `model.save_to_preset` writes one.")
    known = names()
    raise ValueError(
        f"`preset` must be one of {', '.join(known)}, a folder or an address hf://user/name. Received: {text}."
        f"{did_you_mean(text, known)}"
    )
