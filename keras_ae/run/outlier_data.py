"""The data of `keras-ae outliers`: rows to score, and the usual examples that a detector is fitted to."""

import dataclasses
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

from keras_ae import datasets
from keras_ae.datasets.chunks import Chunks, columns_of
from keras_ae.outliers import OutlierDetector
from keras_ae.run.examples import Examples, condition_of, load_examples

_CHUNK_VALUES = 2**24  # values in a chunk of examples
_MOST_FITTED = 10_000  # examples that a score is fitted to


@dataclasses.dataclass(frozen=True)
class OutlierData:
    """Rows to score, in chunks of (x, condition) as a model takes them. It can be iterated again.

    Args:
        chunks: the data set.
        condition: names of the properties that are the model's condition.
        event_shape: the shape of an example that the model takes.
    """

    chunks: Chunks
    condition: list[str]
    event_shape: tuple[int, ...]

    @classmethod
    def open(cls, name: str, split: str | None, model: keras.Model, condition: list[str], *, download: bool = False):
        """Opens a data set.

        Args:
            name: name or path, as in `keras_ae.datasets.load`.
            split: the split; by default "test" if there is one, and else "train".
            model: the model, for the number of channels of images and the size of chunks.
            condition: names of the properties that are its condition.
            download: whether TFDS may download the data set.
        """
        path = pathlib.Path(name).expanduser()
        if split is None:
            is_file = path.is_file()
            split = "train" if is_file or "test" not in datasets.info(name, download=download).splits else "test"
        size = int(np.clip(_CHUNK_VALUES // np.prod(model.event_shape), 1, 4096))
        channels = model.event_shape[-1] if path.is_dir() and model.event_shape[-1] in (1, 3) else None
        chunks = Chunks(name, split, size, download=download, channels=channels)
        if chunks.columns:
            _check_shape((len(chunks.columns),), model.event_shape)
        return cls(chunks, condition, model.event_shape)

    def __iter__(self) -> Iterator[tuple]:
        for x, y in self.chunks:
            _check_shape(x.shape[1:], self.event_shape)
            yield x, condition_of(y, self.condition, self.chunks.name)


def fitted_detector(
    model: keras.Model,
    recipe: Mapping[str, Any],
    reference: str | None = None,
    *,
    scoring: str = "auto",
    download: bool = False,
) -> tuple[OutlierDetector, Examples, str]:
    """Fits and calibrates a detector for the model of a run.

    Args:
        model: the model.
        recipe: a validated config of the run.
        reference: name or path of usual examples that the model was not trained on; one half fits the score, the other
            half calibrates the p-values. `None` for the data of the run: the score is fitted to the training examples,
            and the p-values are calibrated on the validation examples.
        scoring: name of a score.
        download: whether TFDS may download the data.

    Returns:
        (detector, usual examples, their description).

    Raises:
        ValueError: if the run held out no examples, and for data that do not fit the model.
    """
    settings = {"scoring": scoring, "random_state": 0}
    if reference is not None:
        x, y = datasets.load(reference, download=download)
        _check_shape(x.shape[1:], model.event_shape)
        usual = Examples(x, condition_of(y, recipe["data"]["condition"], reference))
        return OutlierDetector(model, condition=usual.condition, **settings).fit(x), usual, reference
    data = {**recipe["data"], "condition": list(recipe["data"]["condition"])}
    examples = load_examples(type(model), data, download=download)[0]
    learned, watched = examples.split(data["validation_fraction"], recipe["training"]["seed"])
    if watched is None:
        raise ValueError("`reference` must be given, since no validation examples were held out. Received: None")
    learned, watched = learned.known(model.condition), watched.known(model.condition)
    usual = learned.rows(np.sort(np.random.default_rng(0).permutation(len(learned))[:_MOST_FITTED]))
    detector = OutlierDetector(model, condition=usual.condition, **settings).fit(usual.x)
    detector.calibrate(watched.x, watched.condition)
    return detector, usual, f"{data['name']}, {data['split']}: {len(watched):,} rows that were held out for validation"


def usual_examples(
    detector: OutlierDetector, config: Mapping[str, Any], *, download: bool = False
) -> tuple[Examples | None, str]:
    """Returns the training examples of a fitted detector, with which outliers are compared.

    Args:
        detector: the detector.
        config: the config of its run; empty if it is unknown.
        download: whether TFDS may download the data.

    Returns:
        (examples, their description), or (`None`, why they are missing).
    """
    if not config:
        return None, "the data of the detector are unknown."
    data = config["data"]
    try:
        model = detector.model_
        examples = load_examples(type(model), dict(data), download=download)[0].known(model.condition)
    except FileNotFoundError as error:
        return None, str(error)
    return examples, f"{data['name']}, {data['split']}: the data of the detector"


def check_columns(data: str, reference: str) -> None:
    """Checks that two tables have the same columns in the same order, as far as both have names.

    Raises:
        ValueError: if they differ.
    """
    found, wanted = columns_of(data), columns_of(reference)
    if found and wanted and found != wanted:
        raise ValueError(
            f"`{data}` must have the columns of `{reference}`, in this order: {', '.join(wanted)}. "
            f"Received: {', '.join(found)}"
        )


def _check_shape(shape, event_shape):
    if shape != event_shape:
        raise ValueError(f"`x` must have examples of shape {list(event_shape)}. Received: {list(shape)}")
