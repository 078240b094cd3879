"""Measures a fitted outlier detector on test data of its recipe, against several kinds of outliers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_ae import datasets
from keras_ae.evaluate import Measurement, detection_metrics
from keras_ae.evaluate.statistics import runs_measurement
from keras_ae.outliers import OutlierDetector
from keras_ae.run.examples import labels_of

METRIC = "auroc"


def auroc(
    detectors: Sequence[OutlierDetector], data: str, *, num: int = 2000, download: bool = False
) -> dict[str, Measurement]:
    """Measures the area under the ROC curve for each kind of outliers.

    Args:
        detectors: fitted detectors of images of digits, one for each seed.
        data: name of their data set.
        num: number of usual test images, the first ones, and largest number of outliers of a kind.
        download: whether TFDS may download the data.

    Returns:
        {"auroc.KIND": measurement}: the mean over seeds if there are several.
    """
    x, y = datasets.load(data, f"test[:{num}]", download=download)
    kinds = changed(x, labels_of(y)[0], np.random.default_rng(0))
    if data != "strokes":
        kinds["strokes"] = datasets.load("strokes", f"test[:{num}]")[0]
    found = [_of_one(detector, x, kinds) for detector in detectors]
    if len(found) == 1:
        return found[0]
    return {name: _over_seeds(name, [each[name] for each in found]) for name in found[0]}


def _of_one(detector, usual, kinds):
    known, found = -detector.score_samples(usual), {}
    for kind, outliers in kinds.items():
        first = detection_metrics(known, -detector.score_samples(outliers))[0]
        found[f"{METRIC}.{kind}"] = first
    return found


def _over_seeds(name, measurements):
    values, first = [each.value for each in measurements], measurements[0]
    protocol = f"{first.protocol.partition(';')[0]}; mean of {len(values)} seeds, t interval"
    return runs_measurement(
        name, values, unit=first.unit, better=first.better, protocol=protocol, details={"seeds": values}
    )


def changed(x: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> Mapping[str, Any]:
    """Returns outliers made from images of digits [N, 28, 28, 1] in [0, 1]: {kind: images}.

    A person would not notice every mirrored or vertically flipped digit: an 8 may look like this. So a second kind has
    only the digits that become no digit: mirrored, all but 0, 1 and 8; flipped vertically, all but 0, 1, 3 and 8. The
    bright pixel is where a person sees it, at least 3 pixels from the ink.
    """
    from scipy.ndimage import maximum_filter  # slow to import

    blurred = sum(np.roll(x, (i, j), axis=(1, 2)) for i in (-2, -1, 0, 1, 2) for j in (-2, -1, 0, 1, 2)) / 25
    free = maximum_filter(x[..., 0], size=(1, 5, 5)) == 0.0
    places = [rng.choice(np.flatnonzero(each)) for each in free.reshape(len(x), -1)]
    pixel = x.reshape(len(x), -1).copy()
    pixel[np.arange(len(x)), places] = 1.0
    mirrored, flipped = x[:, :, ::-1], x[:, ::-1]
    return {
        "mirrored": mirrored,
        "mirrored, no digit": mirrored[~np.isin(labels, (0, 1, 8))],
        "flipped vertically": flipped,
        "flipped vertically, no digit": flipped[~np.isin(labels, (0, 1, 3, 8))],
        "inverted": 1.0 - x,
        "blurred": blurred,
        "noisy": np.clip(x + rng.normal(0.0, 0.2, x.shape), 0.0, 1.0),
        "blank": np.zeros_like(x),
        "constant gray": np.full_like(x, 0.5),
        "one bright pixel": pixel.reshape(x.shape),
    }
