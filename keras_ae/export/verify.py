"""Verification of exports that lie somewhere: their files against their cards, their numbers against their probes."""

import contextlib
import importlib.util
import pathlib
import tempfile

from keras_ae.export.card_file import read_card
from keras_ae.export.companions import Companions, artifacts, contents, sha256
from keras_ae.export.comparison import compare, largest_error
from keras_ae.export.place import settle_all
from keras_ae.export.probe_file import read_probes
from keras_ae.export.report import Check, Report
from keras_ae.files import inside

# What runs an export of each format, and how to get it.
_LOADERS = {
    "saved_model": ("tensorflow", "tensorflow"),
    "litert": ("ai_edge_litert", "ai-edge-litert"),
    "onnx": ("onnxruntime", '"keras_ae[onnx]"'),
}


def verify(path):
    """Verifies an export, or all exports in a folder, against the card of each. The models are not needed.

    Every file must be there, with the hash that is on the card, and no other; then another process runs the export, and
    its answers to the probes that lie beside it must be those that the model gave. An export whose files are not those
    of its card is not run. What a killed export has left to be done is done first.

    A card tells whether files are those that belong together, not who made them: compare the SHA-256 of the card with
    one that you trust, before you run what somebody else gave you.

    Args:
        path: a SavedModel, a .tflite or .onnx file, or a folder with any of them, such as `"exports"`.

    Returns:
        A `Report`: `ok`, `checks`, `problems`.

    Raises:
        FileNotFoundError: where there is no export.
    """
    path = pathlib.Path(path)
    with contextlib.suppress(OSError):  # a folder that can only be read
        settle_all(path)
    found = artifacts(path)
    if not found:
        raise FileNotFoundError(f"There is no export at {path}: no SavedModel, no .tflite and no .onnx file.")
    return Report(tuple(check for artifact in found for check in _checks(artifact)))


def _checks(artifact):
    places = Companions.of(artifact)
    try:
        card = read_card(places.card)
    except FileNotFoundError:
        return [Check(artifact, "card", False, f"card missing: there is no {places.card.name}")]
    except ValueError as error:
        return [Check(artifact, "card", False, f"card damaged: {error}")]
    checks = [Check(artifact, "card", True, f"SHA-256 {sha256(places.card)}")]
    checks += [Check(artifact, *found) for found in _files(artifact, card["files"])]
    if not all(check.ok for check in checks):
        return [*checks, Check(artifact, "numbers", False, "not run: its files are not those of its card")]
    return [*checks, Check(artifact, "numbers", *_numbers(artifact, places, card))]


def _files(artifact, listed):
    """(name, whether it is right, what was found) for the files on the card, and those that are not."""
    folder = artifact if artifact.is_dir() else artifact.parent
    for name, known in listed.items():
        path = inside(folder, name)
        if path.is_symlink() or not path.is_file():
            yield name, False, "file missing" if not path.exists() else "file changed: it is no plain file"
        elif path.stat().st_size != known["bytes"]:
            yield name, False, f"file changed: it has {path.stat().st_size} bytes, the card says {known['bytes']}"
        elif sha256(path) != known["sha256"]:
            yield name, False, f"file changed: its SHA-256 is not {known['sha256']}"
        else:
            yield name, True, f"SHA-256 {known['sha256']}"
    for name in sorted(set(contents(artifact)) - set(listed)):
        yield name, False, "file not on the card"


def _numbers(artifact, places, card):
    """(whether the export still does what the model did, what was found)."""
    module, package = _LOADERS[card["format"]]
    if importlib.util.find_spec(module) is None:
        return False, f"loader missing: pip install {package}"
    try:
        with tempfile.TemporaryDirectory(prefix="keras-ae-") as workspace:
            probes, workspace = read_probes(places.probes), pathlib.Path(workspace)
            found = compare(card["format"], artifact, probes, workspace, quantize=card["quantize"])
    except (ValueError, RuntimeError) as error:
        return False, str(error)
    if found["signatures"] != card["signatures"]:
        return False, f"signatures differ: they are {found['signatures']}"
    return True, f"largest difference of `x` to the model {largest_error(found['errors']):.1e}"
