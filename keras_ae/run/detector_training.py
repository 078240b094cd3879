"""Fits an outlier detector from the config of a run."""

import time
from typing import Any

from keras_ae import datasets
from keras_ae.outliers import OutlierDetector
from keras_ae.run.config import DETECTOR
from keras_ae.run.run import Run


def is_detector(config: dict[str, dict]) -> bool:
    """Whether a config is of a detector, which trains its model."""
    return config["model"]["name"] == DETECTOR


def fit_detector(run: Run, config: dict[str, dict], *, download: bool = False) -> dict[str, Any]:
    """Fits a detector from a config into a run.

    Args:
        run: the run to fill.
        config: {"model": arguments of `OutlierDetector`, "data", "training"}.
        download: whether TFDS may download the data.

    Returns:
        The numbers of examples, and the seconds.
    """
    data, training = config["data"], config["training"]
    settings = {name: value for name, value in config["model"].items() if name != "name"}
    x, _ = datasets.load(data["name"], data["split"], download=download)
    sizes = {"epochs": training["epochs"], "batch_size": training["batch_size"]}
    detector = OutlierDetector(**settings, **sizes, random_state=training["seed"])
    start = time.perf_counter()
    detector.fit(x)
    metrics = {
        "examples": {"all": len(x), "calibration": len(detector.calibration_)},
        "seconds": round(time.perf_counter() - start, 2),
    }
    run.write_config(config)
    run.write_detector(detector)
    run.write_history(detector.model_.history.history)
    run.write_metrics(metrics)
    return metrics
