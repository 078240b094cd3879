"""Verification of exports that lie somewhere: their files against their cards, their numbers against their probes."""

import importlib.util
import itertools
import pathlib
import tempfile

from keras_ae.export.card.artifact_files import Companions, artifacts, contents, name_of, sha256
from keras_ae.export.card.card_file import read_card, text_of
from keras_ae.export.verification.comparison import compare, largest_error
from keras_ae.export.verification.probe_file import read_probes
from keras_ae.export.verification.report import Check, Report
from keras_ae.export.verification.verify_claims import budget_of, check_claims, spread_of
from keras_ae.io.paths import check_path, inside
from keras_ae.io.writing import recover, recover_all

# What runs an export of each format, and how to get it.
_LOADERS = {
    "saved_model": ("tensorflow", "tensorflow"),
    "litert": ("ai_edge_litert", "ai-edge-litert"),
    "onnx": ("onnxruntime", '"keras_ae[onnx]"'),
}
# What only the export could measure: the model, its data and the thousand samples that judged it are not here.
_NOT_REPEATED = ("quality", "latency", "metrics")


def verify(path):
    """Verifies an export, or all exports in a folder, against the card of each. The models are not needed.

    Every file must be there, with the hash that is on the card, and no other, and the card for people must say what the
    other says; then another process runs the export, and its answers to the probes that lie beside it must be those
    that the model gave. Size, signatures and errors on the card must be those that are found. An export whose files are
    not those of its card is not run. What a killed export has left to be done is done first.

    Quality, latency and metrics are not computed again: the model, its data and the thousand samples that judged the
    export are not there. A card tells whether files are those that belong together, not who made them: compare the
    SHA-256 of the card with one that you trust, before you run what somebody else gave you.

    Args:
        path: a SavedModel, a .tflite or .onnx file, or a folder with any of them, such as `"exports"`.

    Returns:
        A `Report`: `ok`, `checks`, `problems`.

    Raises:
        FileNotFoundError: where there is no export.
    """
    path = check_path("path", path)
    recover(path)
    recover_all(path)
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
    files = [Check(artifact, *found) for found in _files(artifact, places, card["files"])]
    changed = _difference(artifact, places, card) if all(check.ok for check in files) else None
    told = f"card changed: {changed}" if changed else f"SHA-256 {sha256(places.card)}"
    checks = [Check(artifact, "card", not changed, told), *files]
    if not all(check.ok for check in checks):
        return [*checks, Check(artifact, "numbers", False, "not run: its files are not those of its card")]
    return [*checks, Check(artifact, "numbers", *_numbers(artifact, places, card))]


def _difference(artifact, places, card):
    """What the card says otherwise than the card for people, whose hash it has; `None` where they say the same."""
    try:
        known = places.text.read_text(encoding="utf-8").splitlines()
        said = text_of(card, name_of(artifact, places.text)).splitlines()
    except ValueError as error:
        return str(error)
    for line, other in itertools.zip_longest(said, known, fillvalue=""):
        if line != other:
            return f"it says {line!r}, and {places.text.name} says {other!r}"
    return None


def _files(artifact, places, listed):
    """(name, whether it is right, what was found) for the files on the card, and those that are not."""
    for path in (places.text, places.probes):
        name = name_of(artifact, path)
        if name not in listed and not path.exists():
            yield name, False, "file missing, and not on the card"
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
            options = {"quantize": card["quantize"], "budget": budget_of(card), "spread": spread_of(card)}
            found = compare(card["format"], artifact, probes, workspace, **options)
        check_claims(card, found, probes, artifact)
    except (ValueError, RuntimeError) as error:
        return False, str(error)
    trusted = [name for name in _NOT_REPEATED if card.get(name)]
    not_repeated = f"; not computed again: {', '.join(trusted)}" if trusted else ""
    return True, f"largest difference of `x` to the model {largest_error(found['errors']):.1e}{not_repeated}"
