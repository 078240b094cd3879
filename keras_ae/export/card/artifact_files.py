"""What travels with an export: its card, for machines and for people, and the probes that verified it."""

import hashlib
import pathlib
from typing import NamedTuple

FILES = {".tflite": "litert", ".onnx": "onnx"}  # exports that are a file; a SavedModel is a folder
_EXTRA = "assets.extra"  # the part of a SavedModel that its readers leave alone
_CHUNK = 1 << 20


class Companions(NamedTuple):
    """Where they lie: in a SavedModel's `assets.extra`, or beside a file with its name before theirs.

    Args:
        card: JSON, what `verify` reads.
        text: the same in Markdown.
        probes: calls and the answers of the model, .npz.
    """

    card: pathlib.Path
    text: pathlib.Path
    probes: pathlib.Path

    @classmethod
    def of(cls, artifact):
        """Those of an export, which need not be there."""
        folder, prefix = (artifact / _EXTRA, "") if is_folder(artifact) else (artifact.parent, f"{artifact.name}.")
        return cls(*(folder / f"{prefix}{name}" for name in ("card.json", "card.md", "probes.npz")))


def is_folder(artifact):
    """Whether an export is a folder, as a SavedModel is, or would be one."""
    return artifact.is_dir() or artifact.suffix not in FILES


def artifacts(path):
    """Every export at a path: the one that lies there, or those in a folder and in the folders below it.

    A card whose export is missing counts as well. Hidden folders and links to folders are left alone.

    Args:
        path: `pathlib.Path`.

    Returns:
        Sorted list of paths.
    """
    if not is_folder(path):
        there = path.is_file() or Companions.of(path).card.is_file()
        return [path] if there else []
    if not path.is_dir():
        return []
    if (path / "saved_model.pb").is_file() or Companions.of(path).card.is_file():
        return [path]
    found = set()
    for entry in path.iterdir():
        if entry.name.startswith("."):
            continue
        if entry.is_dir() and not entry.is_symlink():
            found.update(artifacts(entry))
        elif entry.is_file():
            owner = entry.with_name(entry.name.removesuffix(".card.json"))
            found.update([owner] if owner.suffix in FILES else [])
    return sorted(found)


def contents(artifact):
    """The files of an export that its card must name: all but the card itself.

    Returns:
        {name, from the folder that the export is or lies in: `pathlib.Path`}
    """
    companions = Companions.of(artifact)
    if not is_folder(artifact):
        return {path.name: path for path in (artifact, companions.text, companions.probes) if path.exists()}
    paths = (path for path in artifact.rglob("*") if path.is_symlink() or not path.is_dir())
    return {path.relative_to(artifact).as_posix(): path for path in sorted(paths) if path != companions.card}


def name_of(artifact, path):
    """The name that `contents` has for a file of an export."""
    return path.relative_to(artifact if is_folder(artifact) else artifact.parent).as_posix()


def size(artifact):
    """The bytes of an export, without what travels with it."""
    return sum(path.stat().st_size for path in contents(artifact).values() if path not in Companions.of(artifact))


def sha256(path):
    """The SHA-256 of a file, in hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
