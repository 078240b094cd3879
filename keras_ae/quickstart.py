"""The quickstart: trains three models on a data set, evaluates, plots, exports and verifies them in one folder."""

import dataclasses
import os
import pathlib
import shlex
import time
from typing import Any

import keras
import numpy as np
from rich.console import Console

from keras_ae import datasets, explore, export
from keras_ae.conditions import Categorical
from keras_ae.environment import environment
from keras_ae.evaluate import log_likelihood
from keras_ae.explore.page import libraries
from keras_ae.export.verification.comparison import largest_error
from keras_ae.io.json_files import write_json
from keras_ae.models import AE, VAE, ConditionalVAE
from keras_ae.run import Run, new_folder
from keras_ae.run.examples import Examples, label_name
from keras_ae.run.recording import evaluate, optimizer, record

# AE and VAE have two latent dimensions, which can be plotted; the CVAE has more, for good images.
_MODELS = {"ae": AE, "vae": VAE, "cvae": ConditionalVAE}
_PLANE, _CODE = 2, 8


@dataclasses.dataclass(frozen=True)
class _Settings:
    """Settings for a data set: the length of training and the likelihood."""

    epochs: int = 10
    batch_size: int = 128
    likelihood: str = "bernoulli"


# The 8x8 digits have 17 gray levels, which are counts of pixels, so a normal likelihood with a learned scale suits
# them. On validation images, the squared error of the CVAE is 1.28 with it and 1.66 with a Bernoulli likelihood.
_SETTINGS = {"digits": _Settings(60, 32, "normal")}
_LIKELIHOOD_EXAMPLES, _LIKELIHOOD_SAMPLES = 1000, 100
_LIKELIHOOD_PROTOCOL = (
    f" The negative log-likelihood is an upper bound by importance sampling, with {_LIKELIHOOD_SAMPLES} codes "
    f"for each of the first {_LIKELIHOOD_EXAMPLES} test examples."
)


def run(
    out: str | os.PathLike,
    *,
    dataset: str = "digits",
    seed: int = 0,
    epochs: int | None = None,
    download: bool = False,
    console: Console | None = None,
) -> dict[str, Any]:
    """Trains AE, VAE and CVAE, and writes a folder with models, figures, exports and `summary.json`.

        ae/, vae/, cvae/              runs, with figures of held-out examples
        exports/models/cvae/1         SavedModel
        exports/tflite/cvae.tflite    decoder for a device
        page/                         an interactive page of the CVAE, if its libraries are installed
        summary.json                  every number, versions, seed

    Args:
        out: the folder; an older quickstart there is replaced when the new one is complete.
        dataset: a labeled image set with the splits "train" and "test".
        seed: integer seed of weights, order, noise and samples.
        epochs: number of epochs; by default 60 for the digits and 10 for other data sets.
        download: whether TFDS may download the data.
        console: the console for progress.

    Returns:
        The summary.

    Raises:
        FileExistsError: if the folder exists and is not a quickstart.
        ValueError: for a data set without labels.
    """
    out, console = pathlib.Path(out), console or Console()
    started = time.perf_counter()
    settings = _SETTINGS.get(dataset, _Settings())
    training = {"epochs": epochs or settings.epochs, "batch_size": settings.batch_size}
    training |= {"learning_rate": 3e-3, "seed": seed}
    learn, watch, test, classes = _load(dataset, seed, download)
    data = {"name": dataset, "training": len(learn), "validation": len(watch), "test": len(test), "classes": classes}
    data["label"] = label_name(dataset)
    data["log_likelihood"] = {"test": min(len(test), _LIKELIHOOD_EXAMPLES), "samples": _LIKELIHOOD_SAMPLES}
    console.print(f"{dataset}: {len(learn):,} training, {len(watch):,} validation and {len(test):,} test examples")
    summary = {"format": 1, "data": data, "training": training, "models": {}, **environment()}
    with new_folder(out, kind="quickstart") as folder:
        for name, cls in _MODELS.items():
            model = _make(cls, settings, classes, seed)
            parts = [part if model.condition else part.without_condition() for part in (learn, watch, test)]
            place = Run(folder / name)
            place.write_config(_config(name, data, model, settings, training))
            results = _train(place, model, parts, name, data["label"], training, console)
            summary["models"][name] = {"folder": name, "latent_dim": model.latent_dim, **results}
        summary["exports"] = _export(model, place, folder, console)
        has_page = _write_page(model, learn, data["label"], folder / "page", seed, console)
        summary["next"] = _next_commands(out, has_page)
        summary["seconds"] = round(time.perf_counter() - started, 1)
        write_json(folder / "summary.json", summary)
    return summary


def _load(dataset, seed, download):
    x, y = datasets.load(dataset, "train", download=download)
    x_test, y_test = datasets.load(dataset, "test", download=download)
    if isinstance(y, dict):
        y, y_test = y.get("digit"), y_test.get("digit")
    if y is None or y_test is None:
        raise ValueError(f"`dataset` must have labels, for the conditional model. Received: {dataset!r}")
    learn, watch = Examples(x, y, y).split(0.1, seed)
    return learn, watch, Examples(x_test, y_test, y_test), int(max(y.max(), y_test.max())) + 1


def _make(cls, settings, classes, seed):
    keras.utils.set_random_seed(seed)  # for the initial weights
    condition = {"condition": Categorical(classes)} if cls is ConditionalVAE else {}
    return cls(latent_dim=_CODE if condition else _PLANE, likelihood=settings.likelihood, seed=seed, **condition)


def _config(name, data, model, settings, training):
    options = {"name": name, "latent_dim": model.latent_dim, "likelihood": settings.likelihood}
    names = [data["label"]] if model.condition else []
    data = {"name": data["name"], "split": "train", "validation_fraction": 0.1, "condition": names}
    return {"model": options, "data": data, "training": training}


def _train(place, model, parts, name, label, training, console):
    """Trains, evaluates and plots one model; returns its entry in the summary."""
    learn, watch, test = parts
    sizes = {"epochs": training["epochs"], "batch_size": training["batch_size"]}
    model.compile(optimizer(training["learning_rate"], len(learn), **sizes))
    history, metrics = record(place, model, learn, watch, **sizes, label=f"{name.upper():4}", console=console)
    metrics["test"], metrics["examples"]["test"] = evaluate(model, test), len(test)
    if model.sampler is not None:
        metrics["negative_log_likelihood"] = _negative_log_likelihood(model, test)
        metrics["protocol"] += _LIKELIHOOD_PROTOCOL
    place.write_metrics(metrics)
    names = {"label_name": label, "condition_name": label}
    options = {**names, "quick": True, "seed": training["seed"]}
    figures = explore.gallery(model, history, test.x, test.labels, test.condition, **options)
    place.write_figures(figures)
    return {**metrics, "figures": [f"{name}/figures/{key}.png" for key in figures]}


def _negative_log_likelihood(model, test):
    """Estimates -log p(x) or -log p(x|c) in nats per example, an upper bound by importance sampling."""
    part = test.rows(slice(_LIKELIHOOD_EXAMPLES))
    return -float(np.mean(log_likelihood(model, part.x, part.condition, num_samples=_LIKELIHOOD_SAMPLES)))


def _export(model, run, folder, console):
    console.print("Exporting the CVAE, and verifying the exports in separate processes")
    with console.status("exporting"):
        details = run.details
        cards = {
            "SavedModel": export.saved_model(model, folder / "exports/models/cvae/1", details=details),
            "TFLite": export.litert(model, folder / "exports/tflite/cvae.tflite", details=details),
        }
    return {
        name: {
            "path": str(card.path.relative_to(folder)),
            "verified": card.verified,
            "largest_error": largest_error(card.errors),
            "errors": card.errors,
            "bytes": card.bytes,
            "latency": card.latency,
        }
        for name, card in cards.items()
    }


def _write_page(model, examples, label, out, seed, console):
    """Writes the interactive page of the CVAE if its libraries are installed; returns whether they are."""
    try:
        libraries.find()
    except FileNotFoundError:
        return False
    console.print("Writing the interactive page of the CVAE")
    with console.status("writing"):
        explore.live(model, examples.x, {label: examples.labels}, examples.condition, out=out, seed=seed)
    return True


def _next_commands(out, has_page):
    run_folder, page = (shlex.quote(str(out / name)) for name in ("cvae", "page"))
    serve = f"python -m http.server --bind 127.0.0.1 --directory {page} 8000    # and open http://127.0.0.1:8000/"
    return [
        f"keras-ae generate {run_folder} --condition 7 --num 64 --out sevens.png",
        f"keras-ae export litert {run_folder} --quantize dynamic",
        serve if has_page else f"keras-ae explore {run_folder} --install-page --live --out {page}",
        "keras-ae train cvae --dataset strokes --split 'train[:10000]' --condition digit,slant --out runs/strokes",
    ]
