"""Measures metrics on subjects, and writes each result as soon as it is known."""

import contextlib
import dataclasses
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import keras_ae
from keras_ae.evaluate.metric import METRICS, Metric, Need, NotApplicableError, chosen
from keras_ae.evaluate.report.fingerprints import hash_of_data, hash_of_model, hash_of_values
from keras_ae.evaluate.report.results import FAILED, LEFT_OUT, MEASURED, Evaluation, Outcome, Report
from keras_ae.evaluate.report.store import Store
from keras_ae.evaluate.subject import Subject
from keras_ae.io.json_files import plain
from keras_ae.registry import did_you_mean

# What subjects with the same data share.
_SHARED = ("extractor", "real_features", "reference_features")


def check_options(options: Mapping[str, Mapping[str, Any]] | None) -> dict[str, dict[str, Any]]:
    """Returns the options of metrics by name, or raises a `ValueError` for an unknown metric or option."""
    for name, given in (options or {}).items():
        if name not in METRICS:
            raise ValueError(f"`options` must name metrics. Received: {name!r}.{did_you_mean(name, METRICS)}")
        METRICS[name].check_options(given)
    return {name: dict(given) for name, given in (options or {}).items()}


def measure(
    groups: Mapping[str, list[Subject]],
    *,
    store: Store,
    report: Report,
    metrics: Iterable[str] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    extractor: Any = None,
    console: Console | None = None,
) -> None:
    """Measures all metrics that apply on all subjects, into a report.

    A metric that is in the store under the same key is not measured again. One that raises an unexpected error is
    recorded as failed.

    Args:
        groups: {name: subjects}, several for several seeds of one recipe.
        store: the `Store` of the report.
        report: the `Report` to fill.
        metrics: names of metrics or families; all by default.
        options: {metric: its options}.
        extractor: the extractor that the subjects were made with.
        console: where to show progress; `None` for nowhere.
    """
    wanted, options = chosen(metrics), check_options(options)
    total = len(wanted) * sum(map(len, groups.values()))
    with _display(console, total) as step:
        session = _Session(wanted, options, extractor, store, report, step)
        for name, subjects in groups.items():
            report.groups[name] = []
            for subject in subjects:
                subject.other_seeds = [each for each in subjects if each is not subject]
                evaluation = Evaluation(subject.name, kind_of(subject))
                report.groups[name].append(evaluation)
                session.measure(subject, evaluation)


def kind_of(subject: Subject) -> str:
    """Returns the class of a subject's model, or "function"."""
    return "function" if subject.model is None else type(subject.model).__name__


@dataclasses.dataclass
class _Session:
    """What the subjects of one report share."""

    metrics: list[Metric]
    options: dict[str, dict[str, Any]]
    extractor: Any
    store: Store
    report: Report
    step: "_Step"
    shared: dict[tuple, dict[str, Any]] = dataclasses.field(default_factory=dict)  # by data: the values of `_SHARED`

    def measure(self, subject: Subject, evaluation: Evaluation) -> None:
        """Measures all metrics on one subject."""
        measured = (subject, *subject.other_seeds)
        verbose = [each.verbose for each in measured]
        for each in measured:
            each.progress, each.verbose = self.step.progress, False
        try:
            evaluation.hash = hash_of_model(subject.function, subject.examples)
            data, condition = hash_of_data(subject)
            self.report.data.setdefault("hash", data)
            common = {"model": evaluation.hash, "data": data, "condition": condition, "version": keras_ae.__version__}
            common |= {
                "seed": subject.seed,
                "max_examples": subject.max_examples,
                "extractor": self._extractor(subject),
            }
            same = (data, subject.seed, subject.max_examples)
            vars(subject).update(self.shared.get(same, {}))
            for metric in self.metrics:
                self._measure(metric, subject, evaluation, common)
            self.shared[same] = {name: vars(subject)[name] for name in _SHARED if name in vars(subject)}
        finally:
            for each, before in zip(measured, verbose, strict=True):
                each.progress, each.verbose = None, before

    def _measure(self, metric, subject, evaluation, common):
        options = {**metric.options, **self.options.get(metric.name, {})}
        if Need.OTHER_SEEDS in metric.needs:
            seeds = [hash_of_model(each.function, each.examples) for each in subject.other_seeds]
            common = {**common, "other_seeds": seeds}
        key = hash_of_values(metric=metric.name, options=options, **common)
        known = self.store.measured(key)
        self.step.begin(f"{subject.name}: {metric.name}", known is not None)
        outcome = known or _outcome(metric, subject, options, key)
        evaluation.outcomes[metric.name] = outcome
        self.step.end(outcome)
        if known is None and outcome.state != LEFT_OUT:
            self.store.write(self.report)

    def _extractor(self, subject):
        given = self.extractor
        return given if given is None or isinstance(given, str) else hash_of_model(given, subject.examples)


def _outcome(metric: Metric, subject: Subject, options: dict[str, Any], key: str) -> Outcome:
    started, state, reason, found = time.perf_counter(), MEASURED, "", []
    try:
        found = metric.measure(subject, **options)
    except NotApplicableError as error:
        state, reason = LEFT_OUT, str(error)
    except Exception as error:  # the other metrics must not be lost
        state, reason = FAILED, f"{type(error).__name__}: {' '.join(str(error).split())}"
    seconds = round(time.perf_counter() - started, 2)
    found = tuple(dataclasses.replace(each, details=_as_json(each.details)) for each in found)
    return Outcome(metric.name, metric.family, state, found, reason, _as_json(options), seconds, key)


def _as_json(values):
    """Values in their JSON form; values without one become their text."""
    return json.loads(json.dumps(plain(values), default=repr))


class _Step:
    """Shows what is measured: a bar in a terminal, one line per metric elsewhere, or nothing."""

    def __init__(self, progress, task, console):
        self.progress, self._task, self._console = progress, task, console

    def begin(self, description, known):
        self._description = f"{description} (known)" if known else description
        if self.progress is not None:
            self.progress.update(self._task, description=self._description)

    def end(self, outcome):
        if self.progress is not None:
            self.progress.advance(self._task)
        elif self._console is not None and outcome.state != LEFT_OUT:
            text = "failed" if outcome.state == FAILED else f"{outcome.seconds:.1f} s"
            self._console.print(f"{self._description}  {text}", soft_wrap=True, highlight=False, markup=False)


@contextlib.contextmanager
def _display(console: Console | None, total: int) -> Iterator[_Step]:
    if console is None or not console.is_terminal:
        yield _Step(None, None, console)
        return
    columns = [TextColumn("{task.description}"), BarColumn(24), MofNCompleteColumn(), TimeElapsedColumn()]
    with Progress(*columns, console=console, transient=True) as progress:
        yield _Step(progress, progress.add_task("evaluation", total=total), console)
