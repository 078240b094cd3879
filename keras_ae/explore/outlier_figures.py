"""Figures of an outlier detector: its scores, and the worst and the borderline examples with the reasons."""

from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from keras_ae.conditions.properties import for_each_property
from keras_ae.drawing.curve_grid import is_image
from keras_ae.drawing.example_grid import example_grid
from keras_ae.drawing.style import INK, PALETTE, SURPRISE, new_figure, plain
from keras_ae.outliers import OutlierDetector, explain
from keras_ae.validation.arguments import check_size

_BRIGHTEST = 10.0  # standard deviations above usual, the bright end of the colors


def outlier_scores(
    detector: OutlierDetector,
    scores: np.ndarray,
    *,
    false_alarms: float = 0.01,
    known: np.ndarray | None = None,
    title: str | None = None,
) -> Figure:
    """Plots a histogram of scores against the scores of usual examples, with the threshold.

    Args:
        detector: a fitted `OutlierDetector`.
        scores: `-detector.score_samples(X)`, [N].
        false_alarms: the rate of false alarms of the threshold.
        known: bool [N], which examples are known to be outliers; `None` if nobody knows.
        title: title of the figure.

    Returns:
        A `matplotlib.figure.Figure`. Scores above the upper edge are in the last bin.
    """
    scores, usual = np.asarray(scores, np.float64), detector.calibration_
    threshold = detector.threshold(false_alarms)
    groups = {"usual, held out": usual}
    if known is None:
        groups["examples"] = scores
    else:
        known = np.asarray(known, bool)
        groups |= {"examples in order": scores[~known], "known outliers": scores[known]}
    low = min(each.min() for each in groups.values() if len(each))
    high = max(np.quantile(scores, 0.995), threshold) + 0.25 * (threshold - low)
    edges = np.linspace(low, high, 60)
    figure = new_figure(7.2, 3.9)
    axes = figure.add_subplot()
    looks = ((PALETTE[7], ""), (PALETTE[0], ""), (PALETTE[1], "///"))
    for (color, hatch), (name, values) in zip(looks, groups.items(), strict=False):
        counts = np.histogram(np.clip(values, low, high), edges)[0] / max(len(values), 1)
        style = {"facecolor": (*matplotlib.colors.to_rgb(color), 0.4), "edgecolor": color, "hatch": hatch}
        axes.stairs(counts, edges, fill=True, label=f"{name} ({len(values):,})", **style)
    flagged = np.mean(scores > threshold)
    label = f"threshold at {false_alarms:.1%} false alarms, {flagged:.1%} above"
    axes.axvline(threshold, color=INK, linestyle="--", linewidth=1.2, label=label)
    axes.set_yscale("log")
    label = f"outlier score ({type(detector.score_).__name__}); the last bin has all beyond"
    plain(axes, label, "fraction of the group", title or "Outlier scores")
    figure.legend(frameon=False, fontsize=8, labelcolor=INK, loc="outside lower center", ncols=2)
    return figure


def outlier_rows(scores: np.ndarray, threshold: float, num: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rows of the `num` largest scores, and of the `num` others nearest to the threshold.

    Example:
        >>> worst, borderline = outlier_rows(np.array([0.0, 5.0, 9.0, 4.0]), 4.4, 1)
        >>> worst.tolist(), borderline.tolist()
        ([2], [3])
    """
    scores, num = np.asarray(scores), check_size("num", num)
    worst = np.argsort(-scores, kind="stable")[:num]
    nearest = np.argsort(np.abs(scores - threshold), kind="stable")
    return worst, nearest[~np.isin(nearest, worst)][:num]


def outlier_examples(
    detector: OutlierDetector,
    x: np.ndarray,
    usual: np.ndarray,
    condition: Any = None,
    usual_condition: Any = None,
    *,
    num: int = 8,
    false_alarms: float = 0.01,
    title: str | None = None,
) -> Figure:
    """Plots the worst and the borderline examples, and why: unusual places, counterfactual, nearest usual example.

    Args:
        detector: a fitted `OutlierDetector` of a model with independent values.
        x: examples [N, *event].
        usual: usual examples [M, *event].
        condition: the conditions of the examples, for a conditional model.
        usual_condition: the conditions of the usual examples.
        num: examples of each of the two groups.
        false_alarms: the rate of false alarms of the threshold.
        title: title of the figure.

    Returns:
        A `matplotlib.figure.Figure`. Places are brightest, and curves and bars of them highest, at ten standard
        deviations above usual; the counterfactual is
        the decoded point, toward the nearest usual code, that is no outlier: see `keras_ae.outliers.explain`.
    """
    x, usual = np.asarray(x, np.float32), np.asarray(usual, np.float32)
    scores = -detector.score_samples(x, condition)
    worst, borderline = outlier_rows(scores, detector.threshold(false_alarms), min(num, len(x)))
    rows = np.concatenate([worst, borderline])
    given = for_each_property(lambda values: values[rows], condition)
    found = explain(detector, x[rows], usual, given, usual_condition)
    shown = {
        "example": x[rows],
        "unusual places": x.min() + np.ptp(x) * np.clip(found.surprise / _BRIGHTEST, 0.0, 1.0),
        "counterfactual": found.counterfactual,
        "nearest usual": usual[found.nearest],
    }
    if is_image(x.shape[1:]):
        shown = {name: _in_color(each) for name, each in shown.items()}
        heat = found.surprise.reshape(*found.surprise.shape[:3], -1).sum(axis=-1)
        shown["unusual places"] = matplotlib.colormaps[SURPRISE](np.clip(heat / _BRIGHTEST, 0.0, 1.0))[..., :3]
    labels = [f"{value:.2g}" for value in detector.p_values(x[rows], given)]
    title = title or f"The {len(worst)} worst, and right of them {len(borderline)} at the threshold"
    grid = np.insert(np.stack(list(shown.values())).astype(np.float32), len(worst), np.nan, axis=1)
    labels.insert(len(worst), "")
    return example_grid(grid, title=title, row_labels=list(shown), column_labels=labels, column_title="p-value")


def _in_color(images):
    images = images if images.ndim == 4 else images[..., np.newaxis]
    return np.broadcast_to(images, (*images.shape[:3], 3))
