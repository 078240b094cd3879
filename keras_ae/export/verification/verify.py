"""Verifies existing exports: their files against their cards, and their outputs against their probes."""

import dataclasses
import importlib.util
import itertools
import os
import pathlib
import tempfile
from typing import Any

import numpy as np

from keras_ae.export.card.artifact_files import ArtifactFiles, artifacts, contents, name_of, sha256, size
from keras_ae.export.card.card import read_card, text_of
from keras_ae.export.card.probe_file import Probe, read_probes
from keras_ae.export.verification.comparison import compare, largest_error
from keras_ae.io.paths import check_path, inside
from keras_ae.io.writing import recover, recover_all

# The module that runs each format, and the package to install.
_LOADERS = {
    "saved_model": ("tensorflow", "tensorflow"),
    "litert": ("ai_edge_litert", "ai-edge-litert"),
    "onnx": ("onnxruntime", '"keras_ae[onnx]"'),
}
# Only the export can measure these, with the model and its data.
_NOT_REPEATED = ("quality", "latency", "metrics")
# Another processor may round differently, so an error may exceed the one on the card: by a factor, and by the rounding
# of float32 in deep networks, relative to the largest value.
_FACTOR, _ROUNDING = 2.0, 1e-5


@dataclasses.dataclass(frozen=True)
class Check:
    """One check of `verify`.

    Args:
        artifact: the export.
        subject: `"card"`, `"numbers"`, or the name of a file of the export.
        ok: whether the check passed.
        finding: the result, as text.
    """

    artifact: pathlib.Path
    subject: str
    ok: bool
    finding: str


@dataclasses.dataclass(frozen=True)
class Report:
    """The result of `verify`.

    Args:
        checks: the checks, grouped by export.
    """

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether all checks passed."""
        return all(check.ok for check in self.checks)

    @property
    def artifacts(self) -> dict[pathlib.Path, list[Check]]:
        """The checks of each export."""
        found = {}
        for check in self.checks:
            found.setdefault(check.artifact, []).append(check)
        return found

    @property
    def problems(self) -> list[str]:
        """The checks that failed, one sentence each."""
        return [f"{check.artifact}: {check.subject}: {check.finding}" for check in self.checks if not check.ok]


def verify(path: str | os.PathLike) -> Report:
    """Verifies an export, or all exports in a folder, against their cards. The models are not needed.

    Every file must exist and have the hash on the card, there must be no other files, and the card for people must
    agree with the card. Then a separate process runs the export: its outputs for the stored probes must be the model's
    outputs, and size, signatures and errors must agree with the card. An export whose files do not match its card is
    not run. If an exporter was killed while it published an export, the publication is completed first.

    Quality, latency and metrics are not measured again, because they need the model and its data. A card shows that
    files belong together, not who wrote them. Before you run files from somebody else, compare the SHA-256 of the card
    with one that you trust.

    Args:
        path: a SavedModel, a .tflite or .onnx file, or a folder of exports, such as `"exports"`.

    Returns:
        A `Report`: `ok`, `checks`, `problems`.

    Raises:
        FileNotFoundError: if there is no export.
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
    """Returns the first difference between the card and the card for people, or `None`."""
    try:
        text = places.text.read_text(encoding="utf-8").splitlines()
        expected = text_of(card, name_of(artifact, places.text)).splitlines()
    except ValueError as error:
        return str(error)
    for line, other in itertools.zip_longest(expected, text, fillvalue=""):
        if line != other:
            return f"it says {line!r}, and {places.text.name} says {other!r}"
    return None


def _files(artifact, places, listed):
    """Yields (name, whether it is valid, finding) for the files on the card and for all others."""
    for path in (places.text, places.probes):
        name = name_of(artifact, path)
        if name not in listed and not path.exists():
            yield name, False, "file missing, and not on the card"
    folder = artifact if artifact.is_dir() else artifact.parent
    for name, known in listed.items():
        path = inside(folder, name)
        if path.is_symlink() or not path.is_file():
            yield name, False, "file missing" if not path.exists() else "file changed: it is not a regular file"
        elif path.stat().st_size != known["bytes"]:
            yield name, False, f"file changed: it has {path.stat().st_size} bytes, the card says {known['bytes']}"
        elif sha256(path) != known["sha256"]:
            yield name, False, f"file changed: its SHA-256 is not {known['sha256']}"
        else:
            yield name, True, f"SHA-256 {known['sha256']}"
    for name in sorted(set(contents(artifact)) - set(listed)):
        yield name, False, "file not on the card"


def _numbers(artifact, places, card):
    """Returns whether the export reproduces the model's outputs, and the finding."""
    module, package = _LOADERS[card["format"]]
    if importlib.util.find_spec(module) is None:
        return False, f"loader missing: pip install {package}"
    try:
        with tempfile.TemporaryDirectory(prefix="keras-ae-") as workspace:
            probes, workspace = read_probes(places.probes), pathlib.Path(workspace)
            options = {"quantize": card["quantize"], "budget": _budget_of(card), "spread": _spread_of(card)}
            found = compare(card["format"], artifact, probes, workspace, **options)
        _check_against_card(card, found, probes, artifact)
    except (ValueError, RuntimeError) as error:
        return False, str(error)
    not_repeated = [name for name in _NOT_REPEATED if card.get(name)]
    note = f"; not measured again: {', '.join(not_repeated)}" if not_repeated else ""
    return True, f"maximum difference from the model {largest_error(found['errors']):.1e}{note}"


def _budget_of(card):
    """Returns the budgets {"relative", "spread": number} on a card."""
    budget = card["quality"].get("budget")
    table = budget if isinstance(budget, dict) else {}
    return {name: value for name, value in table.items() if name in ("relative", "spread") and _is_number(value)}


def _spread_of(card):
    """Returns {output: the standard deviation of samples} from a card."""
    spread, output = card["quality"].get("standard_deviation"), "z" if list(card["signatures"]) == ["encode"] else "x"
    return {output: spread} if _is_number(spread) else {}


def _check_against_card(card: dict[str, Any], found: dict[str, dict], probes: list[Probe], artifact: pathlib.Path):
    """Raises a `ValueError` if the card of an export does not agree with the new report of `compare`."""
    if found["signatures"] != card["signatures"]:
        raise ValueError(f"signatures differ: they are {found['signatures']}")
    if card["bytes"].get("total") != size(artifact):
        raise ValueError(f"size differs: it is {size(artifact)} bytes, the card says {card['bytes'].get('total')}")
    for signature, outputs in found["errors"].items():
        for output, measured in outputs.items():
            stated = _stated_error(card["errors"], signature, output)
            if stated is None:
                raise ValueError(f"errors missing: the card has none of `{output}` of `{signature}`")
            calls = [probe for probe in probes if probe.signature == signature]
            largest = max(probe.size(output) for probe in calls)
            levels = max(np.max(probe.tolerances.get(output, 0.0)) for probe in calls)
            levels += 1.0 if output == "png_bytes" else 0.0  # either of two levels is valid
            if not measured["max"] <= _FACTOR * stated + _ROUNDING * largest + levels:
                raise ValueError(
                    f"errors differ: `{output}` of `{signature}` differs from the model by {measured['max']:.2g}, the "
                    f"card says {stated:.2g}"
                )


def _stated_error(errors, signature, output):
    """Returns the maximum error of an output on a card, or `None`."""
    try:
        stated = errors[signature][output]["max"]
    except (KeyError, TypeError):
        return None
    return stated if _is_number(stated) else None


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)
