"""The files of an export: the artifact, its card for programs and for people, and the probes that verified it."""

import hashlib
import pathlib
from typing import NamedTuple

FILES = {".tflite": "litert", ".onnx": "onnx"}  # exports that are a file; a SavedModel is a folder
_EXTRA = "assets.extra"  # the part of a SavedModel that its readers leave alone
_CHUNK = 1 << 20


class ArtifactFiles(NamedTuple):
    """Where card and probes lie: in the `assets.extra` of a SavedModel, or beside a file, `<file>.card.json`.

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
        """The paths for an export; nothing need be there."""
        folder, prefix = (artifact / _EXTRA, "") if is_folder(artifact) else (artifact.parent, f"{artifact.name}.")
        return cls(*(folder / f"{prefix}{name}" for name in ("card.json", "card.md", "probes.npz")))


def is_folder(artifact):
    """Whether an export is a folder, as a SavedModel is, or would be one."""
    return artifact.is_dir() or artifact.suffix not in FILES


def artifacts(path):
    """Every export at a path: the one there, or all in a folder and in the folders below it.

    A card whose export is missing counts as well. Hidden folders and links to folders are skipped.

    Args:
        path: `pathlib.Path`.

    Returns:
        Sorted list of paths.
    """
    if not is_folder(path):
        there = path.is_file() or ArtifactFiles.of(path).card.is_file()
        return [path] if there else []
    if not path.is_dir():
        return []
    if (path / "saved_model.pb").is_file() or ArtifactFiles.of(path).card.is_file():
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
    others = ArtifactFiles.of(artifact)
    if not is_folder(artifact):
        return {path.name: path for path in (artifact, others.text, others.probes) if path.exists()}
    paths = (path for path in artifact.rglob("*") if path.is_symlink() or not path.is_dir())
    return {path.relative_to(artifact).as_posix(): path for path in sorted(paths) if path != others.card}


def name_of(artifact, path):
    """The name that `contents` has for a file of an export."""
    return path.relative_to(artifact if is_folder(artifact) else artifact.parent).as_posix()


def size(artifact):
    """The bytes of an export, without card and probes."""
    return sum(path.stat().st_size for path in contents(artifact).values() if path not in ArtifactFiles.of(artifact))


def sha256(path):
    """The SHA-256 of a file, in hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
