"""Writes the page."""

import os
import pathlib
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_ae.explore.page import libraries
from keras_ae.explore.page.data import MAX_POINTS, page_data
from keras_ae.export import litert
from keras_ae.input_checks import checked_arrays
from keras_ae.io.json_files import write_json
from keras_ae.io.paths import check_path
from keras_ae.io.writing import publish_folder, staging
from keras_ae.random import check_seed
from keras_ae.validation.arguments import check_size

_FACTS = "page.json"
_TYPES = (".html", ".css", ".js")


def live(
    model: keras.Model,
    x: Any,
    labels: Any = None,
    condition: Any = None,
    *,
    out: str | os.PathLike,
    names: Sequence[str] = (),
    notes: dict[str, dict[str, Any]] | None = None,
    max_points: int = MAX_POINTS,
    seed: int = 0,
) -> pathlib.Path:
    """Writes an interactive page of the model for a browser.

    The page has a map of the codes, decodes the code under the pointer, marks where no training code is near, and has
    sliders for the dimensions, paths between codes, samples, reconstructions of images that are drawn or dropped, and
    selections as CSV files. Encoder and decoder run in the browser, as a .tflite file, whose outputs are verified. The
    page asks no other server; any server of static files serves it:

        python -m http.server --bind 127.0.0.1 --directory page 8000

    It has a copy of its JavaScript libraries, which `keras-ae explore --install-page` downloads with npm, and of their
    licenses.

    Args:
        model: a built keras_ae model.
        x: examples [N, *event], N >= 3, preferably the training examples. More than `max_points`, or than 2**20 numbers
            of codes, are thinned out at equal steps.
        labels: colors of the map: one value per example, numbers or names, or {name: values}. An integer -1 is unknown.
        condition: the conditions of the examples, for a conditional model.
        out: folder to write; an older page is replaced.
        names: names of the columns or channels of data that are not images.
        notes: descriptions of inputs, as in `kae.export.litert`, such as {"condition": {"labels": ["shirt", "shoe"]}}.
        max_points: most points on the map.
        seed: integer seed of the clusters, of the outlier detector and of samples of the prior.

    Returns:
        The folder, a `pathlib.Path`.

    Raises:
        FileNotFoundError: if the libraries are not installed.
        FileExistsError: if `out` is not empty, and not a page.
        ValueError: for examples, labels or conditions that do not fit, and a model that LiteRT cannot run.
        RuntimeError: if the export does not reproduce the model's outputs.
    """
    modules = libraries.find()
    out, max_points, seed = check_path("out", out), check_size("max_points", max_points, low=3), check_seed(seed)
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not (out / _FACTS).is_file()):
        raise FileExistsError(f"`out` must be a new folder or an older page. Received: {out}")
    x, condition, _ = checked_arrays(model, x, condition)
    if len(x) < 3:
        raise ValueError(f"`x` must have at least 3 examples. Received: {len(x)}")
    labels = _checked_labels(labels, len(x))
    data = page_data(model, x, labels, condition, names=names, max_points=max_points, seed=seed)
    with staging(out) as folder:
        _export(model, data.detector, folder, notes)
        for name, values in data.files.items():
            values.tofile(folder / name)
        write_json(folder / _FACTS, data.facts)
        copy_page(folder)
        libraries.copy(modules, folder / "libraries")
        publish_folder(folder, out)
    return out


def copy_page(folder: pathlib.Path) -> None:
    """Copies the HTML, CSS and JavaScript of the page."""
    for path in libraries.STATIC.iterdir():
        if path.suffix in _TYPES:
            shutil.copyfile(path, folder / path.name)


def _export(model, detector, folder, notes):
    names = ("decode", "generate", "encode") if model.sampler is not None else ("decode", "encode")
    path = folder / "export" / "model.tflite"
    given, more = (model, ()) if detector is None else (detector, ("score",))
    try:
        litert(given, path, signatures=(*names, *more), notes=notes)
    except ValueError:
        if detector is None:
            raise
        # LiteRT lacks an operation of the score, such as the digamma function of the sphere.
        litert(model, path, signatures=names, notes=notes)
    path.rename(folder / "model.tflite")
    shutil.rmtree(path.parent)  # the card


def _checked_labels(labels, num):
    labels = {} if labels is None else labels if isinstance(labels, Mapping) else {"label": labels}
    labels = {str(name): np.asarray(values) for name, values in labels.items()}
    for name, values in labels.items():
        if values.shape != (num,) or values.dtype.kind not in "iufbUO":
            raise ValueError(
                f"`labels` must be {num} numbers or names. Received: {name!r} of shape {list(values.shape)}"
            )
    return labels
