"""Which picture suits the details of a measurement: rules from the names in the details to a kind of figure."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from keras_ae.evaluate.report.figures import FIGURES

Detail = Mapping[str, Any]


def pictures(details: Detail) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields (kind of figure, what it shows) of the details of a measurement.

    Details under the name of a kind, such as `{"curve": {...}}`, are drawn as they are. Others are drawn where all
    names of a rule are among them.
    """
    for kind in FIGURES:
        if isinstance(details.get(kind), Mapping):
            yield kind, details[kind]
    for names, make in RULES:
        if all(isinstance(details.get(name), (list, tuple, Mapping)) for name in names):
            yield make(details)


def _curve(x: str, y: str, x_label: str, y_label: str) -> Callable[[Detail], tuple[str, dict[str, Any]]]:
    return lambda of: ("curve", {"x": of[x], "y": of[y], "x_label": x_label, "y_label": y_label})


def _bars(name: str, label: str, y_label: str) -> Callable[[Detail], tuple[str, dict[str, Any]]]:
    def make(of):
        values = of[name] if isinstance(of[name], Mapping) else {str(i): each for i, each in enumerate(of[name])}
        return "bars", {"values": values, "x_label": label, "y_label": y_label}

    return make


def _by_factor(name: str, title: str) -> Callable[[Detail], tuple[str, dict[str, Any]]]:
    """A matrix [dimension, factor]."""

    def make(of):
        labels = {"columns": of["factors"], "x_label": "factor", "y_label": "dimension of the code"}
        return "matrix", {"values": of[name], "title": title, **labels}

    return make


def _kl(of):
    values = {str(number): kl for number, kl in zip(of["dimension"], of["kl"], strict=True)}
    return "bars", {"values": values, "x_label": "dimension of the code", "y_label": "KL in nats"}


def _candidates(of):
    runs = {f"run {number}": values for number, values in enumerate(of["values"], 1)}
    return "curve", {"x": of["candidates"], "y": runs, "x_label": "number of clusters", "y_label": "criterion"}


def _noise(of):
    noise = of["noise"]
    labels = {"x_label": "dimension of Gaussian noise", "y_label": "relative contrast"}
    return "curve", {"x": noise["dims"], "y": noise["contrast"], **labels}


def _confusion(of):
    return "matrix", {"values": of["confusion"], "x_label": "found", "y_label": "label"}


def _accuracy(of):
    values = dict(zip(of["factors"], of["accuracy"], strict=True))
    return "bars", {"values": values, "x_label": "factor", "y_label": "accuracy"}


RULES = [
    (("num_samples", "bound"), _curve("num_samples", "bound", "importance samples", "bound in nats")),
    (("rate", "distortion"), _curve("rate", "distortion", "rate in nats", "distortion in nats")),
    (("dimension", "kl"), _kl),
    (("candidates", "values"), _candidates),
    (("noise",), _noise),
    (("confusion",), _confusion),
    (("per_class",), _bars("per_class", "class", "value")),
    (("per_column",), _bars("per_column", "column", "value")),
    (("p_values",), _bars("p_values", "column", "p-value")),
    (("factors", "information"), _by_factor("information", "mutual information")),
    (("factors", "predictability"), _by_factor("predictability", "predictability")),
    (("factors", "importance"), _by_factor("importance", "importance")),
    (("factors", "accuracy"), _accuracy),
]
