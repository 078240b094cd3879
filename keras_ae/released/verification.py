"""Verifies a preset: hashes, reference outputs, the likelihood of stored examples, and LiteRT decoders."""

import os
import pathlib
import tempfile
from typing import TYPE_CHECKING

import numpy as np

from keras_ae.autoencoder import Autoencoder
from keras_ae.export.card.probe_file import Probe, read_probes
from keras_ae.export.verification.comparison import compare
from keras_ae.export.verification.verify import Check, Report
from keras_ae.released.answers import DEFAULT_TOLERANCE, TOLERANCE, ask
from keras_ae.released.card import ANSWERS, TEXT, damage, read_card, text_of
from keras_ae.released.layout import read, split
from keras_ae.released.preset_catalogue import find

if TYPE_CHECKING:
    from keras_ae.outliers import OutlierDetector


def verify_preset(preset: str | os.PathLike, *, loaded: "Autoencoder | OutlierDetector | None" = None) -> Report:
    """Checks the files of a preset against its card, and the outputs of its model and exports against the stored ones.

    The results on test data are not measured again, because they need the data: `keras-ae reproduce` does that.

    Args:
        preset: a name, a folder or an address, as in `from_preset`.
        loaded: what `from_preset` returns, if it is loaded already.

    Returns:
        A `Report`: `ok`, `checks`, `problems`.
    """
    folder = find(preset)
    card = read_card(folder)
    wrong = damage(folder, card)
    if not wrong and (folder / TEXT).read_text(encoding="utf-8") != text_of(card):
        wrong = {TEXT: "changed: it does not say what the card says"}
    checks = [
        Check(folder, name, name not in wrong, wrong.get(name, f"SHA-256 {known['sha256']}"))
        for name, known in card["files"].items()
    ]
    if wrong:
        return Report((*checks, Check(folder, "numbers", False, "not asked: its files do not match its card")))
    kept = read_probes(folder / ANSWERS)
    model, detector = split(loaded or read(folder, card))
    found = [_answer(folder, model, detector, probe) for probe in kept]
    decoded = next(probe for probe in kept if probe.signature == "decode")
    found += [_export(folder / name, facts, decoded) for name, facts in card["exports"].items()]
    good = [check.finding for check in found if check.ok]
    numbers = Check(folder, "numbers", len(good) == len(found), ", ".join(good) or "none agrees")
    return Report((*checks, *(check for check in found if not check.ok), numbers))


def _answer(folder: pathlib.Path, model: Autoencoder, detector: "OutlierDetector | None", kept: Probe) -> Check:
    """Compares outputs of a model or its detector with the stored ones."""
    try:
        again = ask(model, kept.signature, kept.inputs, detector)
    except (KeyError, TypeError, ValueError) as error:
        return Check(folder, kept.signature, False, f"it cannot be asked again: {error}")
    tolerance, largest = TOLERANCE.get(kept.signature, DEFAULT_TOLERANCE), 0.0
    for name, expected in kept.outputs.items():
        found = again.outputs.get(name)
        if found is None or found.shape != expected.shape:
            return Check(folder, kept.signature, False, f"`{name}` has another shape than the kept one")
        differences = np.abs(found - expected)
        error, largest_allowed = float(differences.max()), kept.tolerances.get(name, tolerance * kept.size(name))
        if not np.all(differences <= largest_allowed):  # NaN is an error too
            return Check(folder, kept.signature, False, f"`{name}` differs from the kept answer by {error:.2g}")
        largest = max(largest, error)
    return Check(folder, kept.signature, True, f"{kept.signature} again within {largest:.1e}")


def _export(path: pathlib.Path, facts: dict, decoded: Probe) -> Check:
    """Runs a LiteRT decoder on the stored codes."""
    try:
        with tempfile.TemporaryDirectory(prefix="keras-ae-") as workspace:
            found = compare("litert", path, [decoded], pathlib.Path(workspace), quantize=facts["quantize"])
    except (KeyError, RuntimeError, ValueError) as error:
        return Check(path.parent, path.name, False, str(error))
    return Check(path.parent, path.name, True, f"{path.name} within {found['errors']['decode']['x']['max']:.1e}")
