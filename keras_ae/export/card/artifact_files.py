"""The files of an export: the artifact, its card (for programs and for people), and the probes that verified it."""

import hashlib
import pathlib
from typing import NamedTuple

FILES = {".tflite": "litert", ".onnx": "onnx"}  # formats with a single file; a SavedModel is a folder
_EXTRA = "assets.extra"  # the folder of a SavedModel that its loaders ignore
_CHUNK = 1 << 20


class ArtifactFiles(NamedTuple):
    """Paths of card and probes: in the `assets.extra` of a SavedModel, or beside a file, as `<file>.card.json`.

    Args:
        card: the card as JSON.
        text: the card as Markdown.
        probes: calls and the model's outputs, .npz.
    """

    card: pathlib.Path
    text: pathlib.Path
    probes: pathlib.Path

    @classmethod
    def of(cls, artifact: pathlib.Path) -> "ArtifactFiles":
        """Returns the paths for an export, whether or not they exist."""
        folder, prefix = (artifact / _EXTRA, "") if is_folder(artifact) else (artifact.parent, f"{artifact.name}.")
        return cls(*(folder / f"{prefix}{name}" for name in ("card.json", "card.md", "probes.npz")))


def is_folder(artifact: pathlib.Path) -> bool:
    """Whether an export is a folder, or would be one by its name: a SavedModel."""
    return artifact.is_dir() or artifact.suffix not in FILES


def artifacts(path: pathlib.Path) -> list[pathlib.Path]:
    """Returns the export at a path, or all exports in a folder and its subfolders, sorted.

    This includes cards whose export is missing. Hidden folders and links to folders are skipped.
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


def contents(artifact: pathlib.Path) -> dict[str, pathlib.Path]:
    """Returns the files that the card of an export must list, all except the card: {relative name: path}."""
    others = ArtifactFiles.of(artifact)
    if not is_folder(artifact):
        return {path.name: path for path in (artifact, others.text, others.probes) if path.exists()}
    paths = (path for path in artifact.rglob("*") if path.is_symlink() or not path.is_dir())
    return {path.relative_to(artifact).as_posix(): path for path in sorted(paths) if path != others.card}


def name_of(artifact: pathlib.Path, path: pathlib.Path) -> str:
    """Returns the key of a file in `contents`."""
    return path.relative_to(artifact if is_folder(artifact) else artifact.parent).as_posix()


def size(artifact: pathlib.Path) -> int:
    """Returns the size of an export in bytes, without card and probes."""
    return sum(path.stat().st_size for path in contents(artifact).values() if path not in ArtifactFiles.of(artifact))


def sha256(path: pathlib.Path) -> str:
    """Returns the SHA-256 of a file in hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
