from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from keras_ae.drawing.style import PALETTE, new_figure, plain

_TRAINING, _VALIDATION = PALETTE[:2]


def training_curves(history: Any, *, title: str | None = None) -> Figure:
    """Plots the loss and its terms over epochs, for training and validation.

    Args:
        history: the return value of `fit`, or a dictionary {"loss": [one number per epoch], "val_loss": ...}.
        title: title of the figure.

    Returns:
        A `matplotlib.figure.Figure` with one panel per term, in nats per example.

    Raises:
        ValueError: for a history without a loss.

    Example:
        >>> len(training_curves({"loss": [3.0, 2.0], "val_loss": [3.1, 2.2]}).axes)
        1
    """
    history = getattr(history, "history", history)
    if not isinstance(history, dict) or not len(history.get("loss", ())):
        raise ValueError('`history` must have a "loss" with a number for each epoch.')
    curves = {name: np.asarray(values, np.float64) for name, values in history.items()}  # null becomes NaN
    terms = [name for name in curves if not name.startswith("val_")]
    terms = sorted(terms, key=lambda name: name != "loss")
    # The loss of a plain autoencoder equals its reconstruction: one panel shows both.
    same = [name for name in terms[1:] if np.array_equal(curves[name], curves["loss"])]
    panels = [name for name in terms if name not in same]
    figure = new_figure(4.0 * len(panels) + 0.8, 3.5)
    for axes, name in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        _draw(axes, curves[name], curves.get(f"val_{name}"))
        axes.set_title(" = ".join([name, *same]) if name == "loss" else name, fontsize=11)
    figure.axes[0].set_ylabel("nats per example")
    figure.axes[0].legend(frameon=False)
    figure.suptitle(title or "Training", fontsize=12)
    return figure


def _draw(axes, training, validation):
    for values, color, label in ((training, _TRAINING, "training"), (validation, _VALIDATION, "validation")):
        if values is None:
            continue
        marker = "o" if len(values) < 12 else None
        axes.plot(np.arange(1, len(values) + 1), values, color=color, label=label, marker=marker, markersize=4)
    plain(axes, "epoch")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=[1, 2, 5, 10]))
    _leave_the_start_out(axes, training, validation)


def _leave_the_start_out(axes, *curves):
    """Limits the y axis to the range after the first steep descent, which would hide everything else."""
    values = np.concatenate([curve[len(curve) // 10 :] for curve in curves if curve is not None])
    values = values[np.isfinite(values)]
    if not len(values):
        return
    low, high = values.min(), values.max()
    room = 0.06 * (high - low) or 0.5
    axes.set_ylim(low - room, high + room)
