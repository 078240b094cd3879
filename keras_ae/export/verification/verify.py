"""Verification of existing exports: their files against their cards, their numbers against their probes."""

import dataclasses
import importlib.util
import itertools
import pathlib
import tempfile

from keras_ae.export.card.artifact_files import ArtifactFiles, artifacts, contents, name_of, sha256, size
from keras_ae.export.card.card import read_card, text_of
from keras_ae.export.card.probe_file import read_probes
from keras_ae.export.verification.comparison import compare, largest_error
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
# An error may be larger where it is measured again: another processor adds in another order. Twice as large, and by a
# rounding of float32 in deep networks, as a part of the largest value, where the card has almost none.
_MORE, _ROUNDING = 2.0, 1e-5


@dataclasses.dataclass(frozen=True)
class Check:
    """One thing that `verify` looked at.

    Args:
        artifact: the export.
        subject: `"card"`, `"numbers"`, or the name of a file of the export.
        ok: whether it is as the card says.
        finding: what was found, a sentence where it is wrong.
    """

    artifact: pathlib.Path
    subject: str
    ok: bool
    finding: str


@dataclasses.dataclass(frozen=True)
class Report:
    """What `verify` found.

    Args:
        checks: tuple of `Check`, grouped by export.
    """

    checks: tuple

    @property
    def ok(self):
        """Whether every check of every export was passed."""
        return all(check.ok for check in self.checks)

    @property
    def artifacts(self):
        """{export: its checks}"""
        found = {}
        for check in self.checks:
            found.setdefault(check.artifact, []).append(check)
        return found

    @property
    def problems(self):
        """What is missing or wrong, a sentence each."""
        return [f"{check.artifact}: {check.subject}: {check.finding}" for check in self.checks if not check.ok]


def verify(path):
    """Verifies an export, or all exports in a folder, against the card of each. The models are not needed.

    Every file must be there, with the hash that is on the card, and no other, and the card for people must say what the
    other says; then another process runs the export, and its answers to the probes that lie beside it must be those
    that the model gave. Size, signatures and errors on the card must be those that are found. An export whose files do
    not match its card is not run. What a killed export left unfinished is finished first.

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
    places = ArtifactFiles.of(artifact)
    try:
        card = read_card(places.card)
    except FileNotFoundError:
        return [Check(artifact, "card", False, f"card missing: there is no {places.card.name}")]
    except ValueError as error:
        return [Check(artifact, "card", False, f"card damaged: {error}")]
    files = [Check(artifact, *found) for found in _files(artifact, places, card["files"])]
    changed = _difference(artifact, places, card) if all(check.ok for check in files) else None
    finding = f"card changed: {changed}" if changed else f"SHA-256 {sha256(places.card)}"
    checks = [Check(artifact, "card", not changed, finding), *files]
    if not all(check.ok for check in checks):
        return [*checks, Check(artifact, "numbers", False, "not run: its files do not match its card")]
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
        check_against_card(card, found, probes, artifact)
    except (ValueError, RuntimeError) as error:
        return False, str(error)
    trusted = [name for name in _NOT_REPEATED if card.get(name)]
    not_repeated = f"; not computed again: {', '.join(trusted)}" if trusted else ""
    return True, f"largest difference of `x` to the model {largest_error(found['errors']):.1e}{not_repeated}"


def budget_of(card):
    """The budgets {"relative", "spread": number} that its card allows an export."""
    budget = card["quality"].get("budget")
    table = budget if isinstance(budget, dict) else {}
    return {name: value for name, value in table.items() if name in ("relative", "spread") and _is_number(value)}


def spread_of(card):
    """{"x", or "z" where it does nothing but encode: the standard deviation of samples}, as its card has it."""
    spread, output = card["quality"].get("standard_deviation"), "z" if list(card["signatures"]) == ["encode"] else "x"
    return {output: spread} if _is_number(spread) else {}


def check_against_card(card, found, probes, artifact):
    """Raises a `ValueError` where a card does not match what is found when its export runs again.

    Args:
        card: dictionary, what `read_card` gives.
        found: what `compare` gives.
        probes: list of `Probe` that were compared.
        artifact: `pathlib.Path` of the export.
    """
    if found["signatures"] != card["signatures"]:
        raise ValueError(f"signatures differ: they are {found['signatures']}")
    if card["bytes"].get("total") != size(artifact):
        raise ValueError(f"size differs: it is {size(artifact)} bytes, the card says {card['bytes'].get('total')}")
    for signature, outputs in found["errors"].items():
        for output, measured in outputs.items():
            stated = _stated_error(card["errors"], signature, output)
            if stated is None:
                raise ValueError(f"errors missing: the card has none of `{output}` of `{signature}`")
            largest = max(probe.size(output) for probe in probes if probe.signature == signature)
            levels = 1.0 if output == "png_bytes" else 0.0  # either of two levels is right
            if not measured["max"] <= _MORE * stated + _ROUNDING * largest + levels:
                raise ValueError(
                    f"errors differ: `{output}` of `{signature}` differs from the model by {measured['max']:.2g}, the "
                    f"card says {stated:.2g}"
                )


def _stated_error(errors, signature, output):
    """The largest error of an output on a card, or `None`."""
    try:
        stated = errors[signature][output]["max"]
    except (KeyError, TypeError):
        return None
    return stated if _is_number(stated) else None


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)
