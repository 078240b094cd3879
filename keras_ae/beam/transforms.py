"""Beam transforms that apply an exported model, for your pipelines.

Each takes a collection of (key, row) and returns two: (key, {output: value}), and (key, reason) of rejected rows. A row
is the array of an example, or a dict {input: value} for a model with a condition. Values are not scaled.
"""

import importlib
import os
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import apache_beam as beam


def with_beam(module: str) -> ModuleType:
    """Imports a module of `keras_ae.beam`, or raises an `ImportError` with the command that installs Apache Beam."""
    try:
        import apache_beam  # noqa: F401
    except ImportError as error:
        raise ImportError(f"keras_ae.beam needs Apache Beam: pip install 'keras_ae[beam]' ({error})") from error
    return importlib.import_module(f"keras_ae.beam.{module}")


def encode(export: str | os.PathLike, *, batch_size: int = 1024) -> "beam.PTransform":
    """Codes of examples: (key, x) -> (key, {"z": mean of q(z|x), [D]; "scale": standard deviation, if there is one}).

    Args:
        export: folder of a SavedModel that `keras_ae.export.saved_model` wrote, on a path that every worker can read.
        batch_size: maximum number of rows per batch.

    Returns:
        A transform of (key, row) to a pair of collections: results, and (key, reason) of rejected rows.

    Raises:
        ImportError: without Apache Beam.
    """
    return _apply(export, "encode", batch_size)


def reconstruct(export: str | os.PathLike, *, batch_size: int = 1024) -> "beam.PTransform":
    """Reconstructions: (key, x) -> (key, {"x": decode(encode(x))}). Arguments, results and errors as `encode`."""
    return _apply(export, "reconstruct", batch_size)


def score(export: str | os.PathLike, *, batch_size: int = 1024) -> "beam.PTransform":
    """Scores: (key, x) -> (key, {"elbo", "kl", "reconstruction" in nats, ...}), as in the export. See `encode`."""
    return _apply(export, "score", batch_size)


def outliers(export: str | os.PathLike, *, false_alarms: float = 0.01, batch_size: int = 1024) -> "beam.PTransform":
    """Outliers: (key, x) -> (key, {"score", "p_value", "outlier": 1 where p_value <= false_alarms}). See `encode`.

    Args:
        export: folder of an exported `keras_ae.outliers.OutlierDetector`.
        false_alarms: largest probability that a usual row is called an outlier.
        batch_size: as in `encode`.
    """
    return _apply(export, "outliers", batch_size, false_alarms)


def generate(export: str | os.PathLike, *, batch_size: int = 1024) -> "beam.PTransform":
    """Samples: (key, seed) -> (key, {"x": the same as `model.sample(1, seed=seed)[0]`}). See `encode`.

    For a conditional model, a row is {"seed": ..., "condition": ...}.
    """
    return _apply(export, "generate", batch_size)


def _apply(export, method, batch_size, false_alarms=0.01):
    return with_beam("run_inference").Apply(os.fspath(export), method, false_alarms, batch_size)
