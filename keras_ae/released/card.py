"""The card of a preset: what it is, what was measured, and the hash of every file, as card.json and README.md."""

import datetime
import os
import pathlib
import platform
from typing import Any

from keras_ae.io.json_files import plain, read_json, write_json
from keras_ae.io.paths import inside
from keras_ae.released.preset_catalogue import CARD

FORMAT = 1
TEXT = "README.md"
ANSWERS = "answers.npz"
_TABLES = ("model", "metrics", "exports", "recipe", "files")
_FRONT = "---\nlibrary_name: keras_ae\ntags:\n- keras\n- autoencoder\n---\n\n"  # what Hugging Face indexes


def write_card(folder: pathlib.Path, name: str, facts: dict[str, Any]) -> None:
    """Writes README.md and card.json for the complete files of a preset.

    Args:
        folder: the folder, with all other files.
        name: name of the preset.
        facts: the fields of the card without name, date, machine and files.
    """
    fields = {
        "card": FORMAT,
        "path": name,
        **facts,
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": {"cpus": os.cpu_count(), "architecture": platform.machine(), "system": platform.system()},
        "files": _files(folder),
    }
    (folder / TEXT).write_text(text_of(plain(fields)), encoding="utf-8")
    write_json(folder / CARD, {**fields, "files": _files(folder)})


def text_of(card: dict[str, Any]) -> str:
    """Returns the text of README.md, which cannot contain its own hash."""
    from keras_ae.export.card.card import card_text  # slow: imports TensorFlow

    files = {name: known for name, known in card["files"].items() if name != TEXT}
    text = card_text({**{name: value for name, value in card.items() if name != "recipe"}, "files": files})
    picture = "\n\n![Samples](samples.png)" if "samples.png" in files else ""
    head, _, rest = text.partition("\n\n")
    return f"{_FRONT}{head}{picture}\n\n{rest}"


def _files(folder):
    from keras_ae.export.card.artifact_files import sha256  # slow: imports TensorFlow

    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != CARD)
    return {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": sha256(path)} for path in paths
    }


def read_card(folder: pathlib.Path) -> dict[str, Any]:
    """Reads the untrusted card of a preset.

    Raises:
        ValueError: for a damaged card, and for one of a later version.
    """
    path = folder / CARD
    card = read_json(path)
    if card.get("card") != FORMAT:
        raise ValueError(
            f"{path} must have format {FORMAT}. Received: {card.get('card')!r}. A later version of keras_ae may have "
            "written it: update keras_ae."
        )
    for name in _TABLES:
        if not isinstance(card.get(name), dict):
            raise ValueError(f"{path} is damaged: `{name}` must be a dictionary.")
    for name, known in card["files"].items():
        inside(folder, name)
        if not isinstance(known, dict) or not isinstance(known.get("sha256"), str):
            raise ValueError(f"{path} is damaged: `files` must have the SHA-256 of {name}.")
    return card


def damage(folder: pathlib.Path, card: dict[str, Any]) -> dict[str, str]:
    """Returns {file: what is wrong with it} for the files of a preset; empty for an undamaged one."""
    from keras_ae.export.card.artifact_files import sha256  # slow: imports TensorFlow

    found = {}
    for name, known in card["files"].items():
        path = inside(folder, name)
        if not path.is_file():
            found[name] = "missing"
        elif sha256(path) != known["sha256"]:
            found[name] = f"changed: its SHA-256 is not {known['sha256']}"
    return found
