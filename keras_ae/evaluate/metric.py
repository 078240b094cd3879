"""Metrics by family, and their results.

A metric is a function of a `Subject`. It is registered under its name and family, so that the report, the command line
and the documentation list it without further code.
"""

import dataclasses
import enum
import inspect
from collections.abc import Callable, Iterable
from typing import Any

from keras_ae.registry import did_you_mean


class NotApplicableError(ValueError):
    """Raised for a model to which a metric does not apply, and for data that are too few or too much alike for it.

    The message says why, in one sentence.
    """


class Need(enum.Enum):
    """What a metric needs of its subject. The value completes "needs ..."."""

    MODEL = "a model, not only a representation function"
    PRIOR = "a model with a prior"
    GENERATES = "a model with a prior or a fitted sampler"
    DENSITY = "a model with a prior, and a posterior that has a density"
    LABELS = "labels"
    FACTORS = "factors"
    CLASSES = "a model with a categorical condition"
    IMAGES = "images [N, H, W, C]"
    VECTORS = "tables [N, D] or sequences [N, T, D]"
    REFERENCE = "training examples, as `reference`"
    OTHER_SEEDS = "models of one recipe with several seeds"
    LABELED_REFERENCE = "training examples with labels, as `reference=(x, labels)`"


@dataclasses.dataclass(frozen=True)
class Measurement:
    """One number that a metric found.

    Args:
        name: what was measured, unique within the metric; the metric's name if it is the only number.
        value: the number.
        standard_error: its standard error, or `None`.
        interval: the 95% interval (low, high), or `None`.
        unit: such as `"nats"`, `"fraction"`; empty for a number without unit.
        better: `"higher"`, `"lower"`, or `""` if neither is better.
        protocol: how it was measured, in one sentence: numbers of examples and samples, and the source of the interval.
        details: further JSON values. The report draws those that report/details.py has a rule for, and those under the
            name of a kind of figure, such as `{"curve": {"x": [...], "y": [...], "x_label": "K", "y_label": "nats"}}`.
    """

    name: str
    value: float
    standard_error: float | None = None
    interval: tuple[float, float] | None = None
    unit: str = ""
    better: str = ""
    protocol: str = ""
    details: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Metric:
    """A registered metric.

    Args:
        name: short name, such as `"log_likelihood"`.
        family: short name of its family, a key of `FAMILIES`.
        needs: what the subject must have.
        function: function of a `Subject` and keyword options to `Measurement`s.
    """

    name: str
    family: str
    needs: tuple[Need, ...]
    function: Callable[..., Iterable[Measurement]]

    @property
    def summary(self) -> str:
        """The first line of the function's docstring."""
        return inspect.getdoc(self.function).splitlines()[0]

    @property
    def options(self) -> dict[str, Any]:
        """The keyword options of the metric and their defaults."""
        parameters = inspect.signature(self.function).parameters.values()
        return {each.name: each.default for each in parameters if each.kind is each.KEYWORD_ONLY}

    def check_options(self, names: Iterable[str]) -> None:
        """Raises a `ValueError` for a name that is not one of `options`."""
        for name in names:
            if name not in self.options:
                has = f"It has: {', '.join(self.options)}." if self.options else "It has none."
                raise ValueError(f"`{self.name}` has no option `{name}`.{did_you_mean(name, self.options)} {has}")

    def measure(self, subject, **options) -> list[Measurement]:
        """Measures a subject.

        Args:
            subject: a `Subject`.
            **options: keyword options of the metric.

        Raises:
            NotApplicableError: if the metric does not apply to the subject.
            ValueError: for an unknown option.
        """
        self.check_options(options)
        missing = [need for need in self.needs if not subject.has(need)]
        if missing:
            raise NotApplicableError(f"{self.name} needs {' and '.join(need.value for need in missing)}.")
        return list(self.function(subject, **options))


FAMILIES = {
    "likelihood": "How likely is held-out data under the model, and what does a code cost?",
    "clustering": "Do the codes form the groups that the labels name?",
    "disentanglement": "Does each dimension of the code follow one factor of the data?",
    "samples": "Do generated examples look like real ones, and are they new and diverse?",
    "maps": "Do neighbors in the data stay neighbors in the codes?",
    "predictive_checks": "Do statistics of generated data match the real data?",
    "latent_honesty": "Do codes that are likely under the prior decode to examples that look like data?",
}
METRICS: dict[str, Metric] = {}


def metric(family: str, *needs: Need) -> Callable:
    """Decorator that registers a function of a `Subject` as a metric under the function's name."""

    def register(function):
        if family not in FAMILIES:
            raise ValueError(f"`family` must be one of {', '.join(FAMILIES)}. Received: {family!r}")
        METRICS[function.__name__] = Metric(function.__name__, family, needs, function)
        return function

    return register


def chosen(names: Iterable[str] | None = None) -> list[Metric]:
    """Returns the metrics with these names, or of these families; all of them for `None`.

    Raises:
        ValueError: for an unknown name.
    """
    if names is None:
        return list(METRICS.values())
    found = {}
    for name in [names] if isinstance(names, str) else names:
        known = {**METRICS, **dict.fromkeys(FAMILIES)}
        if name not in known:
            hint = did_you_mean(name, known)
            raise ValueError(f"`metrics` must be names of metrics or families. Received: {name!r}.{hint}")
        found |= {each.name: each for each in METRICS.values() if name in (each.name, each.family)}
    return list(found.values())
