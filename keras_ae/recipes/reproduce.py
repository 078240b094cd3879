"""Reproduction of a recipe: trained with several seeds, measured on test data, and compared with the paper."""

import dataclasses
import os
import pathlib
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from keras_ae.evaluate.metric import METRICS, Measurement
from keras_ae.evaluate.report import evaluate
from keras_ae.recipes.detector_recipe import METRIC, auroc
from keras_ae.recipes.judge import judge
from keras_ae.recipes.recipe import Recipe
from keras_ae.run import Run
from keras_ae.run.evaluation_data import EvaluationData
from keras_ae.run.training import trained_run

_JUDGED = ("conditional_accuracy", "frechet_distance")  # metrics with a classifier of the labels


@dataclasses.dataclass(frozen=True)
class Reproduction:
    """What `reproduce` found.

    Args:
        recipe: the recipe.
        runs: one run for each seed.
        measurements: {"metric" or "metric.name": measurement}, means over the seeds.
        missing: {metric: why it was not measured}.
    """

    recipe: Recipe
    runs: tuple[Run, ...]
    measurements: Mapping[str, Measurement]
    missing: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def results(self) -> dict[str, dict[str, Any]]:
        """{measurement: ours, interval, seeds, target, paper, source, verdict and protocol} for every claim."""
        return {claim.measurement: self._result(claim) for claim in self.recipe.claims}

    def _result(self, claim):
        published = {"target": claim.target, "paper": claim.paper, "source": claim.source}
        found = self.measurements.get(claim.measurement)
        if found is None:
            reason = self.missing.get(claim.measurement.partition(".")[0], "no such measurement")
            return {"ours": None, **published, "verdict": f"not measured: {reason}"}
        return {
            "ours": round(found.value, 4),
            "interval": None if found.interval is None else [round(end, 4) for end in found.interval],
            "seeds": [round(each, 4) for each in found.details.get("seeds", [found.value])],
            "unit": found.unit,
            **published,
            "verdict": claim.verdict(found.value),
            "protocol": found.protocol,
        }


def reproduce(
    recipe: Recipe,
    out: str | os.PathLike,
    *,
    seeds: int = 1,
    download: bool = False,
    console: Console | None = None,
) -> Reproduction:
    """Trains a recipe with one or several seeds, measures the models on test data, and compares with published results.

    Results in the folder are used again: an interrupted training continues, and known measurements are read. A recipe
    that starts from the model of another one trains that first, into a folder beside `out` with the name of the recipe.

    Args:
        recipe: the recipe.
        out: folder for the runs `seed-0`, `seed-1` ... and for the evaluation.
        seeds: number of seeds, counted from the recipe's.
        download: whether TFDS may download the data.
        console: where to show progress; `None` for nowhere.

    Returns:
        A `Reproduction`.
    """
    out, first = pathlib.Path(out), recipe.config["training"]["seed"]
    runs = tuple(
        trained_run(out / f"seed-{seed}", _config(recipe, seed, out, download), download=download)
        for seed in range(first, first + seeds)
    )
    if runs[0].has_detector:
        options = {**recipe.measure[METRIC], "download": download}
        detectors = [run.detector() for run in runs]
        return Reproduction(recipe, runs, auroc(detectors, recipe.config["data"]["name"], **options))
    data = EvaluationData.load(runs[0].recipe, download=download)
    judged = judge(data.name, download=download) if set(_JUDGED) & set(recipe.measure) else None
    subjects = []
    for run in runs:
        name = recipe.name if len(runs) == 1 else f"{recipe.name}, seed {run.recipe['training']['seed']}"
        subjects.append(data.subject(run.model(), run.recipe["data"]["condition"], name=name))
        if judged is not None:
            subjects[-1].classifier = judged  # in place of one that is trained on the images of the recipe
    report = evaluate(
        {recipe.name: subjects},
        metrics=[name for name in METRICS if name in recipe.measure],
        options=recipe.measure,
        out=out / "evaluation",
        resume=(out / "evaluation").exists(),
        console=console,
        data={"name": data.name, "split": data.split, "reference_split": recipe.config["data"]["split"]},
    )
    return Reproduction(recipe, runs, report.measurements, report.main.left_out | report.main.failed)


def _config(recipe, seed, out, download):
    """Returns the config of a training; first trains what it starts from."""
    config = recipe.with_seed(seed)
    if "start_from" in config["training"]:
        source = Recipe.open(config["training"]["start_from"])
        path = out.parent / source.name / f"seed-{seed}"
        trained_run(path, _config(source, seed, path.parent, download), download=download)
        config["training"]["start_from"] = path.as_posix()
    return config
