"""One call that evaluates a model by every metric that applies."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras
from rich.console import Console

from keras_ae.environment import environment
from keras_ae.evaluate.metric import chosen
from keras_ae.evaluate.report.baselines import REPRESENTATIONS
from keras_ae.evaluate.report.measuring import check_options, measure
from keras_ae.evaluate.report.page import write_page
from keras_ae.evaluate.report.results import Report
from keras_ae.evaluate.report.store import Store
from keras_ae.evaluate.report.table import show
from keras_ae.evaluate.subject import Subject
from keras_ae.registry import did_you_mean

Model = keras.Model | Callable
Seeds = Sequence[Model]  # models of one recipe, which differ in their seed


def report(
    model: Model | Seeds,
    x: Any,
    labels: Any = None,
    *,
    factors: Mapping[str, Any] | None = None,
    condition: Any = None,
    reference: Any = None,
    extractor: Any = None,
    metrics: str | Iterable[str] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    against: Mapping[str, Model | Seeds | str] | Iterable[Model | str] = (),
    out: Any = None,
    resume: bool = False,
    seed: int = 0,
    verbose: bool = True,
    data: str = "",
) -> Report:
    """Evaluates a model by every metric that applies, against other models, and writes one page.

    Metrics that do not apply to the model or the data are left out, with the reason. A metric that raises an unexpected
    error is recorded as failed, and the others are measured all the same.

    Args:
        model: an `Autoencoder`, a function from examples [B, *event] to codes [B, D], or a list of models of one recipe
            with different seeds: then each number is the mean over seeds, with a t interval.
        x: held-out examples [N, *event], or a stream of batches as for `Subject`.
        labels: integer or string labels [N], or `None`.
        factors: true factors of variation, {name: values [N]}, or `None`.
        condition: the conditions of the examples, for conditional models; the labels by default.
        reference: training examples [M, *event], or (examples, labels), for metrics that compare with them.
        extractor: a Keras model or a function from examples to features, as for `Subject`.
        metrics: names of metrics or families; all by default.
        options: {metric: {option: value}}.
        against: what to compare with: models, functions, `"pixels"`, `"pca"`, or {name: any of these}.
        out: folder for `metrics.json` and `index.html`; nothing is written by default.
        resume: whether to continue the evaluation in `out`. What was measured with the same model, data, options, seed
            and version of keras_ae is not measured again.
        seed: integer seed of all samples.
        verbose: whether to show progress and print the table.
        data: name of the data, for the page.

    Returns:
        A `Report`: `found["log_likelihood"]` is a `Measurement`, `found.left_out` says why a metric is missing.

    Raises:
        ValueError: for data of wrong shapes, and unknown names of metrics, options or representations.
        FileExistsError: if `out` holds an evaluation and `resume` is false, or holds anything else.
        BlockingIOError: if another process evaluates into `out`.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> model = kae.models.VAE(latent_dim=2)
        >>> model.build((None, 4, 4, 1))
        >>> x = np.random.rand(20, 4, 4, 1)
        >>> options = {"log_likelihood": {"num_samples": 10}}
        >>> found = kae.evaluate.report(model, x, metrics=["log_likelihood"], options=options, verbose=False)
        >>> found["log_likelihood"].unit
        'nats'
    """
    given = {"factors": factors, "condition": condition, "reference": reference, "extractor": extractor, "seed": seed}
    groups = {}

    def add(name, models):
        models = list(models) if isinstance(models, (list, tuple)) else [models]
        subjects = [Subject(each, x, labels, name=name, **given) for each in models]
        name = _unused(name or subjects[0].name, groups)
        for number, subject in enumerate(subjects, 1):
            subject.name = name if len(subjects) == 1 else f"{name}, seed {number}"
        groups[name] = subjects

    add(None, model)
    (main, *_), *_ = groups.values()
    others = {"": against} if isinstance(against, str) else against
    others = others.items() if isinstance(others, Mapping) else [(None, each) for each in others]
    for name, other in others:
        if isinstance(other, str):
            name, other = name or other, _represented(other, main)
        add(name, other)
    return evaluate(
        groups,
        extractor=extractor,
        metrics=metrics,
        options=options,
        out=out,
        resume=resume,
        console=Console() if verbose else None,
        data={"name": data} if data else {},
    )


def _represented(name, main):
    if name not in REPRESENTATIONS:
        hint = did_you_mean(name, REPRESENTATIONS)
        raise ValueError(
            f"`against` must be models, functions or one of {', '.join(REPRESENTATIONS)}. Received: {name!r}.{hint}"
        )
    return REPRESENTATIONS[name](main)


def _unused(name, groups):
    number = 1
    while (found := name if number == 1 else f"{name} {number}") in groups:
        number += 1
    return found


def evaluate(
    groups: Mapping[str, list[Subject]],
    *,
    extractor: Any = None,
    metrics: str | Iterable[str] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    out: Any = None,
    resume: bool = False,
    console: Console | None = None,
    data: Mapping[str, Any] | None = None,
) -> Report:
    """Evaluates subjects, several under one name for several seeds of one recipe: see `report`.

    Args:
        groups: {name: subjects}, the model first.
        extractor: the extractor that the subjects were made with.
        metrics, options, out, resume: as in `report`.
        console: where to show progress and the table; `None` for nowhere.
        data: what the page says about the data, such as {"name": "digits", "split": "test"}.
    """
    chosen(metrics), check_options(options)  # before anything is read or written
    with Store.locked(out, resume=resume) as store:
        found = Report({}, {**(data or {}), **_described(groups)}, path=store.path)
        found.record = {"seed": next(iter(groups.values()))[0].seed, **environment()}
        given = {"metrics": metrics, "options": options, "extractor": extractor, "console": console}
        measure(groups, store=store, report=found, **given)
        store.write(found)
        if store.path is not None:
            write_page(found, store.path)
    if console is not None:
        show(found, console)
    return found


def _described(groups):
    main = next(iter(groups.values()))[0]
    return {
        "examples": main.num_examples,
        "shape": list(main.examples.shape[1:]),
        "classes": None if main.labels is None else len(set(main.labels.tolist())),
        "factors": list(main.factors),
        "reference": None if main.reference is None else len(main.reference),
    }
