"""What the page shows, as arrays and JSON: codes, their map, fields for colors, and pictures of examples."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_ae.conditions.properties import for_each_property
from keras_ae.drawing.curve_grid import MAX_BARS, is_image
from keras_ae.drawing.example_grid import is_volume
from keras_ae.explore.code_support import FAR, nearest, neighbor_distances, support_of
from keras_ae.explore.map_layers import contour_lines
from keras_ae.explore.page.prior_density import prior_density
from keras_ae.latents import StandardNormal
from keras_ae.objectives import kl_by_dimension
from keras_ae.outliers import OutlierDetector

MAX_POINTS = 60_000
_MAX_CODE_VALUES = 2**20  # all codes of the page: 2 MB
_MAX_PICTURE_BYTES = 2**19
_MAX_CLASSES = 100
_UNKNOWN = 255  # index of an unknown class
_GRID = 96  # cells along each side of the map, for its support
_CHUNK = 2048
_STEPS = 2**16 - 1  # of a stored code
_P_VALUE = "outlier p-value"
_FEWEST, _USUAL = 40, 2000  # examples of an outlier detector
_SIMILAR = 4.0  # columns share a scale if it is at most this many times as long as the shortest range
_REACH = 3.0  # of sliders, in standard deviations of a standard normal prior


@dataclasses.dataclass(frozen=True)
class PageData:
    """The data of a page.

    Args:
        facts: what page.json holds.
        files: {name: array}, each stored as its bytes, little-endian.
        detector: the outlier detector of the p-values; `None` for few examples.
    """

    facts: dict[str, Any]
    files: dict[str, np.ndarray]
    detector: OutlierDetector | None


def page_data(
    model: keras.Model,
    x: np.ndarray,
    labels: Mapping[str, Any],
    condition: Any,
    *,
    names: Sequence[str] = (),
    max_points: int = MAX_POINTS,
    seed: int = 0,
) -> PageData:
    """Computes the data of a page from checked examples.

    Args:
        model: a built `Autoencoder`.
        x: examples [N, *event], N >= 3. The page has `max_points` of them, at equal steps, or fewer for large codes.
        labels: {name: one value per example}, for colors.
        condition: the conditions of the examples, or `None`.
        names: names of the columns or channels of data that are not images.
        max_points: most points on the map.
        seed: integer seed of the clusters, of the outlier detector and of samples of the prior.
    """
    num = min(len(x), max_points, max(_MAX_CODE_VALUES // model.latent_dim, 3))
    total, rows = len(x), even_rows(len(x), num)
    x, condition = x[rows], for_each_property(lambda values: values[rows], condition)
    codes, errors, kls = _encoded(model, x, condition)
    stored, low, step = quantized(codes)
    codes = (low + step * stored).astype(np.float32)  # from here on the codes that the page has
    center, axes, axis_names = plane(codes)
    points = (codes - center) @ axes.T  # [N, 2]
    fields, owners = _fields(model, labels, condition, rows, codes, seed)
    fields["reconstruction error"] = errors
    if kls is not None:
        fields["KL"] = kls.sum(axis=1)
    detector = _detector(model, x, condition, seed) if len(x) >= _FEWEST else None
    if detector is not None:
        fields[_P_VALUE] = detector.p_values(x, condition)
    fields = {name: _field(values) for name, values in fields.items()}
    if _P_VALUE in fields:
        fields[_P_VALUE][1]["scale"] = "p-value"
    neighbors, extent = neighbor_distances(codes), _extent(points)
    limits = _limits(model, x)
    pictures = _pictures(model, x, limits)
    files = {
        "codes.u16": stored,
        "neighbors.f32": neighbors.astype("<f4"),
        "support.f32": _plane_support(codes, neighbors, center, axes, extent["grid"]).astype("<f4"),
        "pictures.bin": pictures,
    }
    for number, (values, described) in enumerate(fields.values()):
        described["file"] = f"field-{number}.u{8 * values.itemsize}"
        files[described["file"]] = values
    facts = {
        "model": type(model).__name__,
        "prior": None if model.prior_layer is None else type(model.prior_layer).__name__,
        "density": prior_density(model, for_each_property(lambda values: values[:1], condition), seed=seed),
        "num": len(rows),
        "total": total,
        "latent_dim": model.latent_dim,
        "event_shape": list(model.event_shape),
        "kind": kind_of(model.event_shape),
        "names": [str(name) for name in names],
        "limits": limits,
        "scales": _scales(model, x, limits),
        "codes": {"low": low.tolist(), "step": step.tolist()},
        "plane": {"center": center.tolist(), "axes": axes.tolist(), "names": list(axis_names), **extent},
        "support": {"cells": _GRID, "far": FAR},
        "contours": [{"share": share, "lines": _rounded(lines)} for share, lines in contour_lines(points).items()],
        "dimensions": _dimensions(model, codes, kls),
        "fields": [{"name": name, **described} for name, (_, described) in fields.items()],
        "properties": owners,
        "pictures": {"num": len(pictures), "dtype": "u8" if pictures.dtype == np.uint8 else "f32"},
    }
    return PageData(facts, files, detector)


def even_rows(num: int, wanted: int) -> np.ndarray:
    """Returns `wanted` of the rows 0 ... num - 1 at equal steps: floor(i * num / wanted)."""
    return np.arange(wanted, dtype=np.int64) * num // wanted


def quantized(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stores codes [N, D] in 16 bits: (stored, low [D], step [D]), codes = low + step * stored."""
    low = codes.min(axis=0).astype(np.float32)
    step = ((codes.max(axis=0) - low) / _STEPS).astype(np.float32)
    stored = np.rint((codes - low) / np.where(step > 0, step, 1.0))
    return np.clip(stored, 0, _STEPS).astype("<u2"), low, step


def plane(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[str, str]]:
    """Returns the plane of the map: center [D], axes [2, D] and their names.

        point = axes (code - center),  code = center + axes^T point

    It is the plane of two-dimensional codes itself; for more dimensions, the plane of the first two principal
    components, so the code of a point has the mean of the others.
    """
    dim = codes.shape[1]
    if dim <= 2:
        return np.zeros(dim, np.float32), np.eye(2, dim, dtype=np.float32), ("code 1", "code 2" if dim == 2 else "")
    from sklearn.decomposition import PCA  # slow to import

    with np.errstate(invalid="ignore", divide="ignore"):  # all codes are equal
        pca = PCA(2, random_state=0).fit(codes)
        shares = np.nan_to_num(pca.explained_variance_ratio_)
    names = tuple(f"principal component {i + 1} ({share:.0%})" for i, share in enumerate(shares))
    return pca.mean_.astype(np.float32), pca.components_.astype(np.float32), names


def kind_of(event_shape: Sequence[int]) -> str:
    """Returns how examples are shown: "image", also for the middle slices of volumes, "bars" or "curves"."""
    if is_image(tuple(event_shape)) or is_volume(tuple(event_shape)):
        return "image"
    return "bars" if len(event_shape) == 1 and event_shape[0] <= MAX_BARS else "curves"


def _encoded(model, x, condition):
    """Returns codes [N, D], mean squared errors of reconstruction [N], and the KL of dimensions [N, D] or `None`."""
    codes, errors, kls = [], [], []
    for start in range(0, len(x), _CHUNK):
        rows = slice(start, start + _CHUNK)
        given = for_each_property(lambda values, rows=rows: values[rows], condition)
        z = np.asarray(model.encode(x[rows], given))
        difference = np.asarray(model.decode(z, given)) - x[rows]
        codes.append(z)
        errors.append(np.mean(np.square(difference), axis=tuple(range(1, x.ndim))))
        if model.prior_layer is not None and kls is not None:
            try:
                kls.append(np.asarray(kl_by_dimension(model.posterior(x[rows], given), model.prior(given))))
            except NotImplementedError:
                kls = None
    return np.concatenate(codes), np.concatenate(errors), np.concatenate(kls) if kls else None


def _detector(model, x, condition, seed):
    """Returns a detector that is fitted to and calibrated on some of these examples."""
    rows = even_rows(len(x), min(len(x), _USUAL))
    given = for_each_property(lambda values: values[rows], condition)
    return OutlierDetector(model, condition=given, random_state=seed).fit(x[rows])


def _rounded(lines):
    return [[[float(f"{value:.5g}") for value in point] for point in line] for line in lines]


def _fields(model, labels, condition, rows, codes, seed):
    """Returns {name: one value per point}, and {property of the condition: name of its values}.

    Fields are labels, one-dimensional properties of the condition, and clusters.
    """
    fields, owners = {name: np.asarray(values)[rows] for name, values in labels.items()}, {}
    properties = {} if model.condition is None else model.condition.by_name(condition)
    for name, values in properties.items():
        values = np.asarray(values)
        if values.ndim == 1:
            same = (field for field, each in fields.items() if _say_the_same(values, each))
            owners[name] = next(same, name)
            fields.setdefault(owners[name], values)
    classes = next((len(np.unique(values)) for values in fields.values() if _is_class(values)), 10)
    num = min(max(classes, 2), len(np.unique(codes[:1000], axis=0)))
    if num > 1:
        from sklearn.cluster import MiniBatchKMeans  # slow to import

        found = MiniBatchKMeans(num, n_init=3, random_state=seed).fit_predict(codes)
        fields["cluster"] = found + 1
    return fields, owners


def _say_the_same(first, second):
    """Whether each value of one field goes with one value of the other, as a label and its name do."""
    pairs = len(set(zip(first.tolist(), second.tolist(), strict=True)))
    return pairs == len(np.unique(first)) == len(np.unique(second))


def _is_class(values):
    return values.dtype.kind in "iubUO" and len(np.unique(values)) <= _MAX_CLASSES


def _field(values):
    """Returns stored values and a description: indices of classes, _UNKNOWN for the label -1, or numbers in 16 bits."""
    if not _is_class(values):
        values = values.astype(np.float64)
        known = np.isfinite(values)
        low, high = (float(end(values[known])) for end in (np.min, np.max)) if known.any() else (0.0, 0.0)
        step = (high - low) / (_STEPS - 1)
        stored = np.where(
            known, np.rint((np.where(known, values, low) - low) / (step or 1.0)), _STEPS
        )  # _STEPS: unknown
        return stored.astype("<u2"), {"kind": "number", "range": [low, high]}
    classes = sorted((each for each in set(values.tolist()) if each != -1), key=_place)
    index = {value: number for number, value in enumerate(classes)}
    stored = np.array([index.get(value, _UNKNOWN) for value in values.tolist()], np.uint8)
    return stored, {"kind": "class", "classes": [str(each) for each in classes]}


def _place(value):
    """The key by which classes are sorted: numbers, also as text, and then names."""
    try:
        return 0, float(value), ""
    except ValueError:
        return 1, 0.0, value


def _dimensions(model, codes, kls):
    """Returns the dimensions of a code in the order of their KL, or else of the variance of the codes."""
    by_kl = kls is not None and kls.shape[1] == codes.shape[1]
    name, carried = ("kl", kls.mean(axis=0)) if by_kl else ("variance", codes.var(axis=0))
    reach = _REACH if isinstance(model.prior_layer, StandardNormal) else 0.0
    low, high = np.minimum(codes.min(axis=0), -reach), np.maximum(codes.max(axis=0), reach)
    return [
        {"index": int(i), name: float(carried[i]), "low": float(low[i]), "high": float(high[i])}
        for i in np.argsort(-carried, kind="stable")
    ]


def _extent(points):
    """Returns the part of the plane with most points, and a wider one for the grid: [x low, x high, y low, y high]."""
    low, high = np.quantile(points, [0.001, 0.999], axis=0)
    middle, half = (low + high) / 2, np.maximum((high - low) / 2, 1e-3) * 1.08
    ends = {"extent": half, "grid": 1.7 * half}
    return {name: np.stack([middle - h, middle + h], axis=-1).ravel().tolist() for name, h in ends.items()}


def _plane_support(codes, neighbors, center, axes, extent):
    """Returns the support of the codes in the middle of each cell of the grid, [rows, columns], from the bottom up."""
    x, y = (low + (high - low) * (np.arange(_GRID) + 0.5) / _GRID for low, high in (extent[:2], extent[2:]))
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2).astype(np.float32)
    return support_of(nearest(center + points @ axes, codes, 1)[:, 0], neighbors)


def _limits(model, x):
    """Returns the values of black and white, or the ends of the scale of other data."""
    low, high = float(x.min()), float(x.max())
    if kind_of(model.event_shape) == "image" and low > -0.5 and high < 1.5:
        return [0.0, 1.0]
    if kind_of(model.event_shape) == "bars":  # bars start at zero
        low, high = min(low, 0.0), max(high, 0.0)
    return [low, high] if high > low else [low - 0.5, high + 0.5]


def _scales(model, x, limits):
    """Returns the ends of the scale of each column or channel: the limits, unless a range is short on this scale."""
    if kind_of(model.event_shape) == "image":
        return [limits]
    bars = kind_of(model.event_shape) == "bars"
    by_column = x if bars else x.reshape(-1, int(np.prod(model.event_shape[1:])))
    low, high = by_column.min(axis=0), by_column.max(axis=0)
    if bars:  # they start at zero
        low, high = np.minimum(low, 0.0), np.maximum(high, 0.0)
    varies = high > low
    if not varies.any() or (high - low)[varies].min() * _SIMILAR >= limits[1] - limits[0]:
        return [limits] * len(low)
    ends = np.stack([np.where(varies, low, low - 0.5), np.where(varies, high, high + 0.5)], axis=-1)
    return ends.astype(float).tolist()


def _pictures(model, x, limits):
    """Returns some examples at equal steps: images as bytes, others as they are."""
    image = kind_of(model.event_shape) == "image"
    size = int(np.prod(model.event_shape)) * (1 if image else 4)
    chosen = x[even_rows(len(x), min(len(x), max(_MAX_PICTURE_BYTES // size, 1)))]
    if not image:
        return chosen.astype("<f4")
    low, high = limits
    return np.rint(255 * np.clip((chosen - low) / (high - low), 0.0, 1.0)).astype(np.uint8)
