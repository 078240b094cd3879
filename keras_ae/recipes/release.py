"""Makes a preset of a reproduction: half precision, the decoder for devices, a picture and all results."""

import os
import pathlib
import tempfile
from typing import Any

import numpy as np

from keras_ae.autoencoder import Autoencoder
from keras_ae.conditions import Categorical
from keras_ae.evaluate import score
from keras_ae.explore import gallery, save
from keras_ae.export import litert
from keras_ae.recipes.reproduce import Reproduction
from keras_ae.released.layout import read_model, write_model
from keras_ae.released.save import save_to_preset
from keras_ae.run.evaluation_data import EvaluationData

_COMPARED = 1000  # test examples on which float16 is compared with float32
_QUANTIZE = {"decoder.tflite": "none", "decoder-int8.tflite": "int8"}
_MOST_BYTES = 1_000_000  # of a decoder that is included


def release(found: Reproduction, preset_dir: str | os.PathLike) -> pathlib.Path:
    """Writes the model of the first seed of a reproduction as a preset.

    Args:
        found: the reproduction.
        preset_dir: the folder to write; its name is the name of the preset.

    Returns:
        The folder.

    Raises:
        ValueError: if float16 changes the loss by more than its standard error.
    """
    run, recipe = found.runs[0], found.recipe
    data = EvaluationData.load(run.recipe)
    names = run.recipe["data"]["condition"]
    original = run.model()
    with tempfile.TemporaryDirectory(prefix="keras-ae-") as scratch:
        folder = pathlib.Path(scratch)
        write_model(original, folder, float16=True)
        model = read_model(folder)
        condition = data.condition(names, recipe.name) if model.condition is not None else None
        x, condition = data.x[:_COMPARED], _rows(condition, _COMPARED)
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
            "precision": _precision(original, model, x, condition),
            "exports": _exports(model, folder, x, condition, details),
            "recipe": {"format": 1, **{name: run.recipe[name] for name in ("model", "data", "training")}},
            "limits": _limits(found),
        }
        _picture(model, x, condition, folder / "samples.png")
        (folder / "history.json").write_bytes((run.path / "history.json").read_bytes())
        files = {name: folder / name for name in (*facts["exports"], "samples.png", "history.json")}
        # Without examples: the stored outputs are for decoded images, so no image of the data set is distributed.
        return save_to_preset(model, preset_dir, float16=True, license="MIT", facts=facts, files=files)


def _precision(original: Autoencoder, model: Autoencoder, x: np.ndarray, condition: Any) -> dict[str, Any]:
    """Returns the mean loss with weights in float32 and in float16, and the standard error of the mean."""
    losses = []
    for each in (original, model):
        terms = score(each, x, condition)
        losses.append(-terms["elbo"] if "elbo" in terms else terms["reconstruction"])
    error = float(losses[0].std(ddof=1) / np.sqrt(len(x)))
    means = [float(np.mean(each)) for each in losses]
    if abs(means[0] - means[1]) > error:
        raise ValueError(f"float16 changes the loss from {means[0]:.4f} to {means[1]:.4f} nats, more than {error:.4f}.")
    named = {"float32": means[0], "float16": means[1], "standard error": error}
    return {
        **{name: round(value, 4) for name, value in named.items()},
        "protocol": f"mean loss of {len(x)} test examples, one code each, in nats",
    }


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


def _rows(values, num):
    if isinstance(values, dict):
        return {name: each[:num] for name, each in values.items()}
    return None if values is None else values[:num]
