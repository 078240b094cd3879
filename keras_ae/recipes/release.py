"""Makes a preset of a reproduction: half precision and all results; of a model, also decoders and a picture."""

import os
import pathlib
import tempfile
from typing import Any

import numpy as np
from PIL import Image

from keras_ae.autoencoder import Autoencoder
from keras_ae.conditions import Categorical
from keras_ae.evaluate import score
from keras_ae.explore import gallery, save
from keras_ae.export import litert
from keras_ae.outliers import OutlierDetector
from keras_ae.outliers.detector import contents, restored
from keras_ae.recipes.reproduce import Reproduction
from keras_ae.released.layout import read_model, write_model
from keras_ae.released.save import save_to_preset
from keras_ae.run.evaluation_data import EvaluationData

_COMPARED = 1000  # test examples on which float16 is compared with float32
_QUANTIZE = {"decoder.tflite": "none", "decoder-int8.tflite": "int8"}
_MOST_BYTES = 1_000_000  # of a decoder that is included


def release(found: Reproduction, preset_dir: str | os.PathLike) -> pathlib.Path:
    """Writes the model or detector of the first seed of a reproduction as a preset.

    Args:
        found: the reproduction.
        preset_dir: the folder to write; its name is the name of the preset.

    Returns:
        The folder.

    Raises:
        ValueError: if float16 changes the mean loss, or score, by more than its standard error.
    """
    run, recipe = found.runs[0], found.recipe
    details = run.details
    facts = {
        "summary": recipe.summary,
        "data": details["data"],
        "training": {
            **details["training"],
            "command": f"keras-ae train --recipe {recipe.name} --out runs/{recipe.name}",
            "seconds": details["metrics"].get("seconds"),
        },
        "metrics": found.results,
        "recipe": {"format": 1, **{name: run.recipe[name] for name in ("model", "data", "training")}},
        "limits": _limits(found),
    }
    data = EvaluationData.load(run.recipe)
    # Without examples: the stored outputs are for decoded images, so no image of the data set is distributed.
    options = {"float16": True, "license": "MIT"}
    history = {"history.json": run.path / "history.json"}
    if run.has_detector:
        detector = run.detector()
        facts["precision"] = _precision_of_detector(detector, data.x[:_COMPARED])
        return save_to_preset(detector, preset_dir, facts=facts, files=history, **options)
    names = run.recipe["data"]["condition"]
    original = run.model()
    with tempfile.TemporaryDirectory(prefix="keras-ae-") as scratch:
        folder = pathlib.Path(scratch)
        model = _rounded(original, folder)
        condition = data.condition(names, recipe.name) if model.condition is not None else None
        x, condition = data.x[:_COMPARED], _rows(condition, _COMPARED)
        facts["precision"] = _precision(original, model, x, condition)
        facts["exports"] = _exports(model, folder, x, condition, details)
        _picture(model, x, condition, folder / "samples.png")
        files = {name: folder / name for name in (*facts["exports"], "samples.png")}
        return save_to_preset(model, preset_dir, facts=facts, files={**files, **history}, **options)


def _rounded(model: Autoencoder, folder: pathlib.Path) -> Autoencoder:
    """Returns a model with its weights rounded to float16, by way of files in a folder."""
    write_model(model, folder, float16=True)
    return read_model(folder)


def _precision_of_detector(detector: OutlierDetector, x: np.ndarray) -> dict[str, Any]:
    """Returns the mean score with weights in float32 and in float16, and the standard error of the mean."""
    with tempfile.TemporaryDirectory(prefix="keras-ae-") as scratch:
        rounded = restored(_rounded(detector.model_, pathlib.Path(scratch)), *contents(detector))
    scores = [-each.score_samples(x) for each in (detector, rounded)]
    return _compared("mean outlier score", scores, f"{len(x)} test examples")


def _precision(original: Autoencoder, model: Autoencoder, x: np.ndarray, condition: Any) -> dict[str, Any]:
    """Returns the mean loss with weights in float32 and in float16, and the standard error of the mean."""
    losses = []
    for each in (original, model):
        terms = score(each, x, condition)
        losses.append(-terms["elbo"] if "elbo" in terms else terms["reconstruction"])
    return _compared("mean loss", losses, f"{len(x)} test examples, one code each, in nats")


def _compared(what, values, examples):
    """Returns both means of values with weights in float32 and in float16, if they are as good as equal."""
    error = float(values[0].std(ddof=1) / np.sqrt(len(values[0])))
    means = [float(np.mean(each)) for each in values]
    if abs(means[0] - means[1]) > error:
        raise ValueError(f"float16 changes the {what} from {means[0]:.4f} to {means[1]:.4f}, more than {error:.4f}.")
    named = {"float32": means[0], "float16": means[1], "standard error": error}
    return {**{name: round(value, 4) for name, value in named.items()}, "protocol": f"{what} of {examples}"}


def _exports(model, folder, x, condition, details):
    """Writes the LiteRT decoders, and returns {file: what was measured}."""
    found = {}
    for name, quantize in _QUANTIZE.items():
        examples = {"examples": x if condition is None else (x, condition)} if quantize == "int8" else {}
        path = folder / "exports" / name
        card = litert(model, path, quantize=quantize, signatures=["decode"], details=details, **examples)
        if path.stat().st_size > _MOST_BYTES:
            continue
        (folder / name).write_bytes(path.read_bytes())
        found[name] = {
            "quantize": quantize,
            "bytes": (folder / name).stat().st_size,
            "max": card.errors["decode"]["x"]["max"],
            "rms": card.errors["decode"]["x"]["rms"],
            **{name: value for name, value in card.latency.items() if name.endswith("_us")},
        }
    return found


def _limits(found):
    limits = [f"{name}: {row['verdict']}." for name, row in found.results.items() if "missed" in row["verdict"]]
    return [*limits, f"Trained with {len(found.runs)} seed{'s' * (len(found.runs) > 1)}; the weights are of the first."]


def _picture(model, x, condition, path):
    """Draws the plane of two codes, or samples, of each class if there are any."""
    kinds = {"samples"}
    if isinstance(model.condition, Categorical):
        kinds = {"samples_by_condition"}
    elif model.condition is None and model.latent_dim == 2:
        kinds = {"manifold"}
    (figure,) = gallery(model, {}, x, None, condition, kinds=kinds, seed=7).values()
    save(figure, path)
    with Image.open(path) as image:  # of few colors: half the size, and no difference to see
        small = image.convert("RGB").quantize(48)
    small.save(path, optimize=True)


def _rows(values, num):
    if isinstance(values, dict):
        return {name: each[:num] for name, each in values.items()}
    return None if values is None else values[:num]
