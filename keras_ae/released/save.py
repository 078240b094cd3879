import os
import pathlib
import shutil
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from keras_ae.autoencoder import Autoencoder
from keras_ae.export.card.card import model_summary, versions
from keras_ae.export.card.probe_file import write_probes
from keras_ae.export.signatures.detector import DetectorSignature
from keras_ae.input_checks import check_built, checked_arrays
from keras_ae.io.json_files import check_json
from keras_ae.io.paths import check_path
from keras_ae.io.writing import publish_folder, staging
from keras_ae.released.answers import kept_answers
from keras_ae.released.card import ANSWERS, write_card
from keras_ae.released.layout import read_detector, read_model, split, write_detector, write_model
from keras_ae.released.preset_catalogue import CARD

if TYPE_CHECKING:
    from keras_ae.outliers import OutlierDetector


def save_to_preset(
    model: "Autoencoder | OutlierDetector",
    preset_dir: str | os.PathLike,
    x: Any = None,
    condition: Any = None,
    *,
    float16: bool = False,
    license: str | None = None,
    facts: Mapping[str, Any] | None = None,
    files: Mapping[str, os.PathLike] | None = None,
) -> pathlib.Path:
    """Writes a preset: see `Autoencoder.save_to_preset` and `OutlierDetector.save_to_preset`.

    Args:
        model: a built model, or a fitted detector.
        preset_dir, x, condition, float16, license: as there.
        facts: further fields of the card, such as `summary`, `metrics` and `recipe`.
        files: {name in the preset: file to copy}.

    Returns:
        The folder.
    """
    model, detector = split(model)
    check_built(model, "save_to_preset")
    path = check_path("preset_dir", preset_dir)
    if path.exists() and not (path.is_dir() and ((path / CARD).is_file() or not any(path.iterdir()))):
        raise FileExistsError(f"{path} exists and is not a preset: choose another folder.")
    if x is not None and detector is None:  # a detector scales and checks its examples
        x, condition, _ = checked_arrays(model, x, condition)
    with staging(path) as folder:
        write_model(model, folder, float16=float16)
        model = read_model(folder)  # the stored outputs are from rounded weights
        if detector is not None:
            write_detector(detector, folder)
            detector = read_detector(folder, model)
        write_probes(folder / ANSWERS, kept_answers(model, x, condition, detector))
        for name, file in (files or {}).items():
            shutil.copyfile(file, folder / name)
        default = {
            "summary": _summary(model, detector),
            "license": license or "not stated",
            "weights": "float16" if float16 else "float32",
            "model": model_summary(model),
            "detector": {} if detector is None else DetectorSignature(detector).facts,
            "metrics": {},
            "exports": {},
            "recipe": {},
            "versions": versions("tensorflow", "keras"),
            "limits": [] if facts else ["It was saved without a run: its data and training are unknown."],
        }
        write_card(folder, path.name, default | check_json("facts", dict(facts or {})))
        publish_folder(folder, path)
    return path


def _summary(model, detector):
    kind = type(model).__name__ if detector is None else f"{type(detector).__name__} of a {type(model).__name__}"
    return f"{kind} with {model.count_params():,} weights"
