"""What is evaluated: a model or a representation with its data, and what several metrics need, computed once."""

import contextlib
import functools
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from rich.progress import Progress

from keras_ae.autoencoder import Autoencoder
from keras_ae.conditions import Categorical
from keras_ae.evaluate.classifier import train_classifier
from keras_ae.evaluate.extractors import find_extractor
from keras_ae.evaluate.metric import Need
from keras_ae.input_checks import batches_of, checked_examples
from keras_ae.io.closing import ClosedLater
from keras_ae.latents import Deterministic
from keras_ae.random import check_seed
from keras_ae.training.data_adapter import is_stream
from keras_ae.validation.arguments import MAX_ROWS, check_array, check_size


class Subject:
    """A model, or a representation function, with the data it is measured on.

    Codes, samples and features are computed when a metric asks for them, once, in batches. Data that does not fit in
    memory is a `tf.data.Dataset` or a `keras.utils.PyDataset` of batches x or (x, labels), which is read once per pass.

    Args:
        model: an `Autoencoder`, or a function from examples [B, *event] to codes [B, D], such as the `transform` of a
            scikit-learn `PCA`.
        x: examples [N, *event], or a stream of batches x or (x, labels). A stream must be readable more than once.
        labels: integer or string labels [N], or `None`.
        factors: true factors of variation, {name: values [N]}, or `None`. Integers are categories.
        condition: the conditions of the examples, for a conditional model; the labels by default.
        reference: training examples [M, *event], for metrics that compare with them; or (examples, labels), or
            (examples, {name: values}) with several properties, of which `digit` or `label` are the labels.
        extractor: the space in which generated and real examples are compared: a name in `EXTRACTORS`, a Keras model,
            or a function from examples to features; by default a classifier that is trained on the labeled images of
            `reference`, and the raw values if there are none.
        name: name of the subject in tables.
        seed: integer seed of all samples.
        max_examples: number of examples that are kept in memory for metrics on raw values, drawn from the seed.
        batch_size: examples per step.
        verbose: whether to show progress bars.

    Raises:
        ValueError: for data of wrong shapes, and for a stream that can be read only once.
    """

    def __init__(
        self,
        model: keras.Model | Callable,
        x: Any,
        labels: Any = None,
        *,
        factors: Mapping[str, Any] | None = None,
        condition: Any = None,
        reference: Any = None,
        extractor: str | keras.Model | Callable | None = None,
        name: str | None = None,
        seed: int = 0,
        max_examples: int = 10_000,
        batch_size: int = 500,
        verbose: bool = False,
    ):
        if not callable(model):
            raise ValueError(f"`model` must be an Autoencoder or a function. Received: {type(model).__name__}")
        check_seed(seed)
        self.model = model if isinstance(model, Autoencoder) else None
        self.function = model
        self.name = name or (type(model).__name__ if self.model is not None else getattr(model, "__name__", "codes"))
        self.max_examples = check_size("max_examples", max_examples, high=MAX_ROWS)
        self.batch_size = check_size("batch_size", batch_size, high=MAX_ROWS)
        self.seed, self.verbose, self._given_extractor = seed, verbose, extractor
        self.other_seeds: list[Subject] = []  # further models of the recipe, on the same data
        self.progress: Progress | None = None  # a display that is on already, which `batches` joins
        if hasattr(x, "__next__"):
            raise ValueError("`x` must be readable more than once. Received: a generator; use tf.data.Dataset.")
        if not is_stream(x):
            x = check_array(x, "x") if self.model is None else checked_examples(self.model, x)
        self._x = x
        self._labels = None if labels is None else _column("labels", labels, self._x)
        self.factors = {name: _column(f"factors[{name!r}]", each, self._x) for name, each in (factors or {}).items()}
        self._condition = condition
        self.reference, properties = reference if isinstance(reference, tuple) else (reference, {})
        if self.reference is not None:
            self.reference = check_array(self.reference, "reference", event_shape=None if is_stream(x) else x.shape[1:])
        self.reference_properties = {
            name: _column(f"reference[{name!r}]", values, self.reference)
            for name, values in (properties if isinstance(properties, Mapping) else {"label": properties}).items()
            if np.ndim(values) == 1
        }

    @property
    def reference_labels(self) -> np.ndarray | None:
        """The labels [M] of the reference, or `None`."""
        names = [name for name in ("label", "digit") if name in self.reference_properties]
        return self.reference_properties[names[0]] if names else None

    def has(self, need: Need) -> bool:
        """Whether the subject has what a metric needs."""
        model = self.model
        if need is Need.MODEL:
            return model is not None
        if need is Need.PRIOR:
            return model is not None and model.prior_layer is not None
        if need is Need.GENERATES:
            return self.has(Need.PRIOR) or (model is not None and model.sampler is not None)
        if need is Need.DENSITY:
            return self.has(Need.PRIOR) and not isinstance(model.posterior_layer, Deterministic)
        if need is Need.LABELS:
            return self.labels is not None
        if need is Need.FACTORS:
            return bool(self.factors)
        if need is Need.CLASSES:
            return model is not None and isinstance(model.condition, Categorical)
        if need is Need.IMAGES:
            return self.examples.ndim == 4
        if need is Need.VECTORS:
            return self.examples.ndim in (2, 3)
        if need is Need.OTHER_SEEDS:
            return bool(self.other_seeds)
        if need is Need.LABELED_REFERENCE:
            return self.reference_labels is not None
        return self.reference is not None

    # Data.

    def batches(self, description: str = "") -> Iterator[tuple[Any, Any]]:
        """Yields checked batches (x, condition), with a progress bar under this description."""
        total = None if is_stream(self._x) else len(self._x)
        with self._progress(description) as progress:
            task = progress.add_task(description, total=total)
            try:
                for x, label, rows in self._raw_batches():
                    condition = self._condition_of(label, rows)
                    if self.model is None:
                        yield x, condition
                    else:
                        yield from batches_of(self.model, x, condition)
                    progress.advance(task, len(x))
            finally:
                progress.remove_task(task)

    def _progress(self, description):
        if self.progress is not None and description:
            return contextlib.nullcontext(self.progress)
        return Progress(disable=not (self.verbose and description), transient=True)

    def _raw_batches(self):
        """Yields (x, label, rows): the examples, their labels or condition in a stream, and their row numbers."""
        if not is_stream(self._x):
            for start in range(0, len(self._x), self.batch_size):
                rows = slice(start, start + self.batch_size)
                yield self._x[rows], None if self._labels is None else self._labels[rows], rows
            return
        start = 0
        is_dataset = isinstance(self._x, tf.data.Dataset)
        for batch in ClosedLater(self._x.as_numpy_iterator()) if is_dataset else _items(self._x):
            x, label = batch[:2] if isinstance(batch, (tuple, list)) and len(batch) > 1 else (batch, None)
            x = np.asarray(x[0] if isinstance(x, (tuple, list)) else x)
            yield x, label, slice(start, start + len(x))
            start += len(x)

    def _condition_of(self, label, rows):
        if self.model is None or self.model.condition is None:
            return None
        if self._condition is None:
            return label
        return tf.nest.map_structure(lambda values: np.asarray(values)[rows], self._condition)

    @functools.cached_property
    def _first_pass(self):
        """The kept examples, their row numbers, and the labels of all rows, from one pass over the data."""
        if not is_stream(self._x):
            rows = np.arange(len(self._x))
            if len(rows) > self.max_examples:
                rows = np.sort(np.random.default_rng(self.seed).choice(len(rows), self.max_examples, replace=False))
            return self._x[rows], rows, self._labels
        # A uniform sample of a stream of unknown length: the rows with the smallest random keys.
        rng, kept, keys, rows, labels = np.random.default_rng(self.seed), [], [], [], []
        for x, label, numbers in self._raw_batches():
            kept, keys = [*kept, *x], [*keys, *rng.random(len(x))]
            rows = [*rows, *range(numbers.start, numbers.stop)]
            if len(keys) > self.max_examples:
                best = np.sort(np.argpartition(keys, self.max_examples)[: self.max_examples])
                kept, keys, rows = ([each[i] for i in best] for each in (kept, keys, rows))
            labels.append(label)
        if not kept:
            raise ValueError("`x` must have at least one example. Received: an empty stream")
        in_stream = self._labels is None and np.ndim(labels[0]) == 1
        return np.stack(kept), np.asarray(rows), np.concatenate(labels) if in_stream else self._labels

    @property
    def examples(self) -> np.ndarray:
        """At most `max_examples` raw examples [M, *event]."""
        return self._first_pass[0]

    @property
    def num_examples(self) -> int | None:
        """Number of examples; `None` for a stream."""
        return None if is_stream(self._x) else len(self._x)

    @property
    def rows(self) -> np.ndarray:
        """Row numbers [M] of `examples`, ascending: `codes[rows]` are the codes of `examples`."""
        return self._first_pass[1]

    @property
    def labels(self) -> np.ndarray | None:
        """Labels [N] of all examples, or `None`."""
        return self._first_pass[2]

    # What several metrics need.

    @functools.cached_property
    def codes(self) -> np.ndarray:
        """Codes [N, D] of all examples, float32: means of q(z|x), or what the representation function returns."""
        parts = []
        for x, condition in self.batches("codes"):
            parts.append(self.encode(x, condition))
        return np.concatenate(parts)

    def encode(self, x: Any, condition: Any = None) -> np.ndarray:
        """Returns the codes of any examples [B, *event]: float32 [B, D]."""
        found = self.function(x) if self.model is None else self.model.encode(x, condition)
        return np.asarray(found, np.float32).reshape(len(x), -1)

    def once(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        """Returns `compute()`, which is called for the first of equal keys alone, for what several metrics need."""
        if key not in self._computed:
            self._computed[key] = compute()
        return self._computed[key]

    @functools.cached_property
    def _computed(self):
        return {}

    def samples(self, num: int, condition: Any = None, seed: int | None = None) -> np.ndarray:
        """Returns examples [num, *event] that the model generates; equal arguments give equal examples."""
        seed = self.seed if seed is None else seed
        return self.model.sample(num, condition, seed=seed).numpy()

    @functools.cached_property
    def conditions(self) -> Any:
        """The conditions of `examples`, or `None` without a condition."""
        if self.model is None or self.model.condition is None:
            return None
        if not is_stream(self._x):
            given = self._labels if self._condition is None else self._condition
            return tf.nest.map_structure(lambda values: np.asarray(values)[self.rows], given)
        batches = [condition for _, condition in self.batches()]
        return tf.nest.map_structure(lambda *parts: np.concatenate(parts)[self.rows], *batches)

    @functools.cached_property
    def generated(self) -> np.ndarray:
        """As many generated examples as there are `examples`, under the same conditions."""
        return self.samples(len(self.examples), self.conditions)

    @functools.cached_property
    def extractor(self) -> tuple[str, Callable]:
        """The name of the feature extractor, and its function of examples."""
        return find_extractor(self._given_extractor, self.classifier if self._given_extractor is None else None)

    @functools.cached_property
    def classifier(self) -> keras.Model | None:
        """A classifier trained on the labeled images of the reference; `None` without images of two classes."""
        if self.reference_labels is None or self.reference.ndim != 4 or len(np.unique(self.reference_labels)) < 2:
            return None
        return train_classifier(self.reference, self.class_numbers(self.reference_labels), seed=self.seed)

    @functools.cached_property
    def feature_network(self) -> keras.Model | None:
        """The Keras model of `extractor`, through which gradients flow; `None` if it is another function."""
        if self._given_extractor is None and self.classifier is not None:
            return keras.Model(self.classifier.inputs, self.classifier.layers[-1].input)
        return self._given_extractor if isinstance(self._given_extractor, keras.Model) else None

    def class_numbers(self, labels: np.ndarray) -> np.ndarray:
        """Returns labels as integers from 0: the classes of a categorical condition, or else of `reference`."""
        if self.has(Need.CLASSES):
            return np.asarray(self.model.condition.check(labels, len(labels)))
        return np.searchsorted(np.unique(self.reference_labels), labels).astype(np.int32)

    def features(self, x: np.ndarray) -> np.ndarray:
        """Returns the features of examples by `extractor`: [N, F]."""
        return np.asarray(self.extractor[1](x), np.float32).reshape(len(x), -1)

    @functools.cached_property
    def real_features(self) -> np.ndarray:
        """The features of `examples`."""
        return self.features(self.examples)

    @functools.cached_property
    def generated_features(self) -> np.ndarray:
        """The features of `generated`."""
        return self.features(self.generated)

    @functools.cached_property
    def reference_features(self) -> np.ndarray:
        """The features of as many reference examples as there are `examples`, or all if there are fewer."""
        order = np.random.default_rng(self.seed).permutation(len(self.reference))
        return self.features(self.reference[np.sort(order[: len(self.examples)])])


def _column(name, values, x):
    values = np.asarray(values)
    if values.ndim != 1 or (not is_stream(x) and len(values) != len(x)):
        wanted = "values [N]" if is_stream(x) else f"{len(x)} values"
        raise ValueError(f"`{name}` must be {wanted}, one per example. Received: shape {list(values.shape)}")
    return values


def _items(dataset):
    return (dataset[index] for index in range(len(dataset)))
