"""What an evaluation found: one `Outcome` per metric, one `Evaluation` per model, and the `Report` of all of them."""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Any

from keras_ae.evaluate.metric import FAMILIES, METRICS, Measurement
from keras_ae.evaluate.statistics import choices_measurement, runs_measurement
from keras_ae.registry import did_you_mean

MEASURED, LEFT_OUT, FAILED = "measured", "left out", "failed"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of one metric of one model.

    Args:
        metric: name of the metric.
        family: name of its family.
        state: `"measured"`, `"left out"` (it does not apply to the model or data) or `"failed"` (an unexpected error).
        measurements: what was measured.
        reason: why it was left out or failed, in one sentence.
        options: the options of the metric.
        seconds: how long it took.
        key: hash of everything that the measurements depend on.
    """

    metric: str
    family: str
    state: str = MEASURED
    measurements: tuple[Measurement, ...] = ()
    reason: str = ""
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0
    key: str = ""

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Outcome":
        measurements = tuple(_measurement(each) for each in value["measurements"])
        return cls(**{**value, "measurements": measurements})


def _measurement(value):
    interval = value["interval"]
    number = math.nan if value["value"] is None else float(value["value"])  # JSON has no NaN
    return Measurement(**{**value, "value": number, "interval": None if interval is None else tuple(interval)})


@dataclasses.dataclass
class Evaluation:
    """The outcomes of one model or representation, or the mean of several seeds.

    Args:
        name: name of the model in tables.
        kind: class of the model, or `"function"`.
        hash: hash of the model.
        outcomes: {name of a metric: its `Outcome`}.
        seeds: number of models behind each number.
    """

    name: str
    kind: str = ""
    hash: str = ""
    outcomes: dict[str, Outcome] = dataclasses.field(default_factory=dict)
    seeds: int = 1

    @property
    def measurements(self) -> dict[str, Measurement]:
        """{"metric" or "metric.name": `Measurement`} of all that was measured."""
        return {
            measurement_key(outcome.metric, each.name): each
            for outcome in self.outcomes.values()
            for each in outcome.measurements
        }

    @property
    def left_out(self) -> dict[str, str]:
        """{metric: why it was left out}."""
        return self._reasons(LEFT_OUT)

    @property
    def failed(self) -> dict[str, str]:
        """{metric: the message of its error}."""
        return self._reasons(FAILED)

    def _reasons(self, state):
        return {name: each.reason for name, each in self.outcomes.items() if each.state == state}

    def __getitem__(self, name: str) -> Measurement:
        """Returns a measurement by its key, or by its last part if no other has it.

        Raises:
            KeyError: for an unknown or ambiguous name.
        """
        found = self.measurements
        if name in found:
            return found[name]
        short = [key for key in found if key.rpartition(".")[2] == name]
        if len(short) == 1:
            return found[short[0]]
        if short:
            raise KeyError(f"{name} is ambiguous: {', '.join(short)}.")
        why = self.left_out.get(name) or self.failed.get(name)
        raise KeyError(
            f"{name} was not measured: {why}" if why else f"No measurement {name}.{did_you_mean(name, found)}"
        )


def measurement_key(metric: str, name: str) -> str:
    """Returns "metric" for the only number of a metric, and "metric.name" for one of several."""
    return metric if name == metric else f"{metric}.{name}"


@dataclasses.dataclass
class Report:
    """The evaluations of one model or recipe and of those it is compared with.

    Args:
        groups: {name: evaluations}: one of a model, several of a recipe that was trained with several seeds.
        data: description of the data: number and shape of examples, hash, names of factors.
        record: seed, time, versions, machine and command.
        path: folder with `metrics.json` and `index.html`, or `None`.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> def pixels(x):
        ...     return x.reshape(len(x), -1)
        >>> found = kae.evaluate.report(pixels, np.random.rand(30, 4, 4, 1), metrics=["log_likelihood"], verbose=False)
        >>> found.left_out["log_likelihood"][:46]
        'log_likelihood needs a model with a prior, and'
    """

    groups: dict[str, list[Evaluation]]
    data: dict[str, Any] = dataclasses.field(default_factory=dict)
    record: dict[str, Any] = dataclasses.field(default_factory=dict)
    path: Any = None

    @property
    def subjects(self) -> dict[str, Evaluation]:
        """{name: evaluation}, the model first; several seeds are one evaluation, their mean."""
        return {name: over_seeds(each, name) for name, each in self.groups.items() if each}

    @property
    def main(self) -> Evaluation:
        """The evaluation of the model itself."""
        return next(iter(self.subjects.values()))

    @property
    def measurements(self) -> dict[str, Measurement]:
        """{"metric" or "metric.name": `Measurement`} of the model itself."""
        return self.main.measurements

    @property
    def left_out(self) -> dict[str, str]:
        """{metric: why it does not apply to the model}."""
        return self.main.left_out

    @property
    def failed(self) -> dict[str, str]:
        """{"subject: metric": the message of its error} of all subjects."""
        return {
            f"{one.name}: {metric}": reason
            for group in self.groups.values()
            for one in group
            for metric, reason in one.failed.items()
        }

    def __getitem__(self, name: str) -> Measurement:
        return self.main[name]


def over_seeds(evaluations: Iterable[Evaluation], name: str | None = None) -> Evaluation:
    """Returns the mean over evaluations of models that differ in their seed alone, with a t interval.

    A choice, such as a number of clusters, becomes the median of the choices. A number that not all of them have is
    left out.

    Args:
        evaluations: at least one `Evaluation`; a single one is returned as it is, under the name.
        name: name of the mean; by default the name of the first.
    """
    evaluations = list(evaluations)
    first = evaluations[0]
    if len(evaluations) == 1:
        return dataclasses.replace(first, name=name or first.name)
    outcomes = {}
    for metric, outcome in first.outcomes.items():
        each = [other.outcomes.get(metric, outcome) for other in evaluations]
        state = next((one for one in each if one.state != MEASURED), outcome)
        numbers = [{m.name: m for m in one.measurements} for one in each]
        common = [m for m in outcome.measurements if all(m.name in found for found in numbers)]
        means = tuple(_mean(m, [found[m.name].value for found in numbers]) for m in common)
        outcomes[metric] = dataclasses.replace(
            state, measurements=means, seconds=sum(one.seconds for one in each), key=""
        )
    hashes = " ".join(each.hash for each in evaluations)
    return Evaluation(name or first.name, first.kind, hashes, outcomes, len(evaluations))


def _mean(measurement, values):
    if "choices" in measurement.details:
        protocol = f"median of {len(values)} seeds; each: {measurement.protocol}"
        return choices_measurement(measurement.name, values, unit=measurement.unit, protocol=protocol)
    protocol = f"mean of {len(values)} seeds with its t interval; each: {measurement.protocol or 'one value'}"
    fields = {"unit": measurement.unit, "better": measurement.better, "protocol": protocol}
    return runs_measurement(measurement.name, values, **fields, details={"seeds": list(values)})


def in_order(evaluations: Iterable[Evaluation]) -> dict[str, list[str]]:
    """Returns {family: metrics} of evaluations, in the order of the registry; unknown metrics come last."""
    found = {each.metric: each.family for one in evaluations for each in one.outcomes.values()}
    known = [*METRICS]
    names = sorted(found, key=lambda name: (known.index(name) if name in known else len(known), name))
    families = dict.fromkeys([*FAMILIES, *found.values()])
    ordered = {family: [name for name in names if found[name] == family] for family in families}
    return {family: metrics for family, metrics in ordered.items() if metrics}
