import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from keras_ae.conditions import Categorical, Continuous
from keras_ae.conditions.properties import for_each_property
from keras_ae.drawing.curve_grid import MAX_BARS, is_image
from keras_ae.drawing.example_grid import is_volume
from keras_ae.evaluate.likelihood import kl_of_dimensions
from keras_ae.explore import attributes, clusters, outlier_figures, real_against_generated
from keras_ae.explore.interpolation import interpolation_figure
from keras_ae.explore.latent_map import latent_map
from keras_ae.explore.learning import learning
from keras_ae.explore.manifold import manifold_figure
from keras_ae.explore.pictures import head, reconstructions, samples, samples_by_condition, value_of
from keras_ae.explore.property_figures import property_figure, property_planes
from keras_ae.explore.sample_sources import sample_sources, sample_sources_figure
from keras_ae.explore.training_curves import training_curves
from keras_ae.explore.traversal import traversal_figure
from keras_ae.explore.volumes import volume_figure
from keras_ae.input_checks import checked_arrays, context_tensor
from keras_ae.latents.spaces import AnySpace, Real, UnitInterval
from keras_ae.outliers import OutlierDetector

_MAP_SIZE = 3000
_SOME = 1000  # examples for densities, clusters and detectors
_FEWEST = 40  # held-out examples for an outlier detector


@dataclasses.dataclass(frozen=True)
class _Material:
    """What the figures of a gallery are made from: checked held-out examples, and training examples or `None`."""

    model: keras.Model
    history: Any
    x: np.ndarray
    labels: np.ndarray | None
    condition: Any
    label_name: str
    condition_name: str
    seed: int
    training: tuple[Any, Any] | None
    columns: Sequence[str]
    units: Mapping[str, str]
    snapshots: tuple[Any, dict[int, Any]] | None
    projection: str
    verbose: int

    @property
    def name(self):
        return type(self.model).__name__

    @property
    def generates(self):
        return self.model.sampler is not None

    @property
    def real_codes(self):
        return self.model.posterior_layer.space in (Real(), AnySpace(), UnitInterval())

    @property
    def num_classes(self):
        """The number of classes of the labels, 0 for none and for labels that are not classes."""
        if self.labels is None or np.asarray(self.labels).dtype.kind not in "iu":
            return 0
        return len(np.unique(self.labels[self.labels >= 0]))

    def rows(self, num):
        """Returns as many conditions as needed, by repeating the conditions of the examples."""
        return for_each_property(lambda values: np.resize(values, (num, *values.shape[1:])), self.condition)

    def drawn(self, num):
        """Examples drawn from p(x|z), with its noise, for codes of the sampler."""
        condition = self.rows(num)
        codes = self.model.sample_codes(num, condition, seed=self.seed)
        return np.asarray(self.model.likelihood(codes, condition).sample(seed=self.seed))


def gallery(
    model: keras.Model,
    history: Any,
    x: Any,
    labels: Any = None,
    condition: Any = None,
    *,
    label_name: str = "class",
    condition_name: str = "condition",
    training: tuple[Any, Any] | None = None,
    columns: Sequence[str] = (),
    units: Mapping[str, str] | None = None,
    snapshots: tuple[Any, dict[int, Any]] | None = None,
    projection: str = "auto",
    kinds: Collection[str] | None = None,
    quick: bool = False,
    seed: int = 0,
    verbose: int = 0,
) -> dict[str, Figure]:
    """Makes the figures that suit a model, from held-out examples.

    Args:
        model: an `Autoencoder`.
        history: as in `training_curves`.
        x: examples [N, *event].
        labels: one number per example, for the colors of the map, or `None`.
        condition: the conditions of the examples, for a conditional model.
        label_name: name of the labels.
        condition_name: name of the condition.
        training: the training examples and their conditions, (x, condition), for `sources` and for the shades of
            `manifold` and `planes`; `None` leaves these out.
        columns: names of the columns of a table, or of the channels of sequences.
        units: {property of the condition: its unit}, for `sweep`.
        snapshots: some examples and their reconstructions through training, (x, {step: reconstructions}), for
            `learning`: see `keras_ae.callbacks.Snapshots`.
        projection: the projection of the maps, as in `codes_2d`.
        kinds: names of figures, from `KINDS`; `None` for all that suit the model.
        quick: whether to leave out the figures that take more than a few seconds, or that show the same in detail.
        seed: seed of the samples and of the projection.
        verbose: as in `codes_2d`.

    Returns:
        Dictionary of names to figures.

    Raises:
        ValueError: for a figure that does not suit the model.
    """
    x, condition, _ = checked_arrays(model, x, condition)
    labels = None if labels is None else np.asarray(labels)
    given = label_name, condition_name, seed, training, columns, units or {}, snapshots, projection, verbose
    material = _Material(model, history, x, labels, condition, *given)
    suiting = [kind for kind in (QUICK if quick else KINDS) if _FIGURES[kind][0](material)]
    if kinds is not None and set(kinds) - set(suiting):
        raise ValueError(f"`kinds` must be some of {suiting} for this model. Received: {list(kinds)}")
    return {kind: _FIGURES[kind][1](material) for kind in suiting if kinds is None or kind in kinds}


def _map(m, **layers):
    labels = layers.pop("labels", m.labels)
    num = min(_MAP_SIZE, len(m.x))
    colors = None if labels is None else labels[:num]
    options = {"label_name": m.label_name, "method": m.projection, "seed": m.seed, "verbose": m.verbose, **layers}
    return latent_map(m.model, m.x[:num], colors, head(m.condition, num), **options)


def _manifold(m):
    codes = None if m.training is None else np.asarray(m.model.encode(*m.training))
    return manifold_figure(m.model, codes=codes)


def _traversal(m):
    condition = None if m.condition is None else value_of(m.condition, 0)
    kl = None
    if m.model.prior_layer is not None:
        try:
            kl = kl_of_dimensions(m.model, m.x[:_SOME], head(m.condition, _SOME)).mean(axis=0)
        except ValueError:  # it does not split into dimensions
            kl = None
    kl = kl if kl is not None and len(kl) == m.model.latent_dim else None
    limits = {"limits": (-2.5, 2.5)} if m.generates else {"limits": _range(m)}
    return traversal_figure(m.model, m.x[0], condition, kl=kl, **limits)


def _range(m):
    codes = np.asarray(m.model.encode(m.x[:_SOME], head(m.condition, _SOME)))
    return tuple(float(value) for value in np.quantile(codes, [0.02, 0.98]))


def _interpolation(m):
    num = min(3, len(m.x) // 2)
    given = "" if m.condition is None else ", under the condition of the first"
    title = f"{m.name}: from one example to another{given}"
    return interpolation_figure(m.model, m.x[:num], m.x[num : 2 * num], head(m.condition, num), title=title)


def _attributes(m):
    """From the first example to each of the other classes: the difference of mean codes."""
    codes, labels = np.asarray(m.model.encode(m.x[:_SOME])), m.labels[:_SOME]
    vectors = {
        f"{m.label_name} {value}": (attributes.attribute_vector(codes, (labels == value).astype(float)), 1.0)
        for value in np.unique(labels[labels >= 0])[:10]
    }
    return attributes.attribute_figure(m.model, m.x[0], vectors)


def _sweep(m):
    sweeps = {
        name: np.linspace(*np.quantile(m.condition[name], [0.02, 0.98]), 9)
        for name, part in m.model.condition.properties.items()
        if isinstance(part, Continuous) and part.dim == 1
    }
    return property_figure(m.model, np.zeros(m.model.latent_dim), sweeps, _held(m), units=m.units)


def _held(m):
    """Usual values of the properties."""
    return {name: np.median(v, axis=0) if v.dtype.kind == "f" else v[0] for name, v in m.condition.items()}


def _has_sweep(m):
    properties = getattr(m.model.condition, "properties", None) if m.model.condition is not None else None
    return isinstance(m.condition, dict) and any(
        isinstance(part, Continuous) and part.dim == 1 for part in (properties or {}).values()
    )


def _property_of_classes(m):
    """The key of the first property of the condition that has classes, or `None`."""
    properties = {} if m.model.condition is None else m.model.condition.properties
    return next((key for key, part in properties.items() if isinstance(part, Categorical)), None)


def _classes(m):
    """Conditions, one for each class of a property, with the others held, and the name of the property."""
    key = _property_of_classes(m)
    part = m.model.condition.properties[key]
    values = np.asarray(part.vocabulary or range(part.num_classes))[:20]
    if not isinstance(m.condition, dict):
        return values, m.condition_name
    held = {name: np.resize(value, (len(values), *np.shape(value))) for name, value in _held(m).items()}
    return {**held, key: values}, key


def _samples_by_condition(m):
    values, name = _classes(m)
    return samples_by_condition(m.model, values, seed=m.seed, name=name)


def _planes(m):
    conditions, name = _classes(m)
    conditions = head(conditions, 10)
    values = conditions[name] if isinstance(conditions, dict) else conditions
    codes = None
    if m.training is not None:
        x, given = m.training
        every, given = np.asarray(m.model.encode(x, given)), given[name] if isinstance(given, dict) else given
        codes = [every[np.asarray(given) == value] for value in values]
        codes = codes if min(map(len, codes)) > 1 else None
    return property_planes(
        m.model, conditions, dims=_widest(m), names=[f"{name} {value}" for value in values], codes=codes
    )


def _widest(m):
    """The two dimensions whose codes vary most between examples."""
    spread = np.asarray(m.model.encode(m.x[:_SOME], head(m.condition, _SOME))).std(axis=0)
    return tuple(int(dim) for dim in np.argsort(-spread, kind="stable")[:2])


def _sources(m):
    x, condition = m.training
    sources = sample_sources(m.model, x, m.x, condition, m.condition, num=min(10, len(m.x)), seed=m.seed)
    return sample_sources_figure(sources, np.asarray(x), title=f"{m.name}: where samples come from")


def _detector(m):
    """A detector of the first half of the held-out examples, and the other half."""
    half = len(m.x) // 2
    rest = for_each_property(lambda values: values[half:], m.condition)
    detector = OutlierDetector(m.model, condition=head(m.condition, half), random_state=m.seed).fit(m.x[:half])
    return detector, m.x[half:], rest, m.x[:half], head(m.condition, half)


def _outlier_scores(m):
    detector, x, condition, *_ = _detector(m)
    rate = max(0.01, 1.0 / len(detector.calibration_))
    return outlier_figures.outlier_scores(detector, -detector.score_samples(x, condition), false_alarms=rate)


def _outliers(m):
    detector, x, condition, usual, usual_condition = _detector(m)
    rate = max(0.01, 1.0 / len(detector.calibration_))
    return outlier_figures.outlier_examples(detector, x, usual, condition, usual_condition, false_alarms=rate)


def _independent(m):
    """Whether the likelihood has a density of each value, which maps of unusual places need."""
    if len(m.x) < _FEWEST:
        return False
    given = head(m.condition, 1)
    params = m.model.likelihood_params(m.model.encode(m.x[:1], given), context_tensor(m.model, given, 1))
    try:
        m.model.likelihood_layer.value_log_prob(params, tf.convert_to_tensor(m.x[:1]))
    except NotImplementedError:
        return False
    return True


def _clustered(m):
    """What is clustered: {name: one row per example}."""
    codes = np.asarray(m.model.encode(m.x[:_SOME], head(m.condition, _SOME)))
    return {name: values.reshape(len(values), -1) for name, values in {"values": m.x[:_SOME], "codes": codes}.items()}


def _has_clusters(m):
    """Whether there are as many different examples and codes as classes: some models have few different codes."""
    if not 1 < m.num_classes <= 20:
        return False
    return all(len(np.unique(values, axis=0)) >= m.num_classes for values in _clustered(m).values())


def _clusters(m):
    x, labels = m.x[:_SOME], m.labels[:_SOME]
    found = _clustered(m).items()
    return clusters.cluster_figure({k: clusters.cluster_means(x, v, m.num_classes, labels) for k, v in found})


def _contrast(m):
    codes = m.model.encode(m.x[:_SOME], head(m.condition, _SOME))
    return clusters.contrast_figure({"data": m.x[:_SOME], "codes": np.asarray(codes)}, num_examples=_SOME)


def _bands(m):
    return real_against_generated.curve_bands(m.x, m.drawn(_SOME), names=m.columns)


def _parallel(m):
    return real_against_generated.parallel_coordinates(m.x, m.drawn(_SOME), columns=m.columns)


def _pairs(m):
    return real_against_generated.pair_plots(m.x, m.drawn(_SOME), columns=m.columns)


def _volumes(m):
    """Two volumes and their reconstructions."""
    pair = m.x[:2], np.asarray(m.model.reconstruct(m.x[:2], head(m.condition, 2)))
    return volume_figure(np.concatenate(pair), title=f"{m.name}: volumes, and below them their reconstructions")


def _sequences(m):
    shape = m.model.event_shape
    return not is_image(shape) and (len(shape) == 2 or (len(shape) == 1 and shape[0] > MAX_BARS))


def _table(m):
    return len(m.model.event_shape) == 1 and 1 < m.model.event_shape[0] <= MAX_BARS


# {kind: (whether it suits, how it is drawn)}
_FIGURES: dict[str, tuple[Callable, Callable]] = {
    "training": (lambda m: True, lambda m: training_curves(m.history, title=f"{m.name}: training")),
    "reconstructions": (lambda m: True, lambda m: reconstructions(m.model, m.x, m.condition, num=min(12, len(m.x)))),
    "map": (lambda m: len(m.x) > 2, _map),
    "samples": (lambda m: m.generates, lambda m: samples(m.model, 64, m.rows(64), seed=m.seed)),
    "samples_by_condition": (
        lambda m: m.generates and _property_of_classes(m) is not None,
        _samples_by_condition,
    ),
    "manifold": (
        lambda m: m.generates and m.real_codes and m.model.condition is None and m.model.latent_dim == 2,
        _manifold,
    ),
    "map_density": (lambda m: len(m.x) > 20 and m.real_codes, lambda m: _map(m, contours=True, margins=True)),
    "map_unlabeled": (lambda m: len(m.x) > 2 and m.labels is not None, lambda m: _map(m, labels=None)),
    "map_thumbnails": (lambda m: len(m.x) > 2 and is_image(m.model.event_shape), lambda m: _map(m, thumbnails=True)),
    "traversal": (lambda m: m.real_codes, _traversal),
    "interpolation": (lambda m: m.real_codes and len(m.x) > 1, _interpolation),
    "attributes": (lambda m: m.real_codes and m.model.condition is None and 1 < m.num_classes <= 20, _attributes),
    "sweep": (_has_sweep, _sweep),
    "planes": (
        lambda m: _property_of_classes(m) is not None and m.real_codes and m.model.latent_dim > 1,
        _planes,
    ),
    "sources": (lambda m: m.generates and m.real_codes and m.training is not None and len(m.x) > 9, _sources),
    "outlier_scores": (lambda m: len(m.x) >= _FEWEST, _outlier_scores),
    "outliers": (_independent, _outliers),
    "clusters": (_has_clusters, _clusters),
    "contrast": (lambda m: len(m.x) > 9 and m.real_codes, _contrast),
    "bands": (lambda m: m.generates and _sequences(m), _bands),
    "parallel": (lambda m: m.generates and _table(m), _parallel),
    "pairs": (lambda m: m.generates and _table(m), _pairs),
    "learning": (
        lambda m: m.snapshots is not None,
        lambda m: learning(*m.snapshots, title=f"{m.name}: reconstructions through training"),
    ),
    "volumes": (lambda m: is_volume(m.model.event_shape), _volumes),
}
KINDS = tuple(_FIGURES)
QUICK = KINDS[:6]
