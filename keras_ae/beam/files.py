"""Applies an export to files, exactly once."""

import contextlib
import os
from collections.abc import Iterable

from keras_ae.beam.exported_model import METHODS
from keras_ae.beam.transforms import with_beam
from keras_ae.io.locking import locked
from keras_ae.io.writing import naming
from keras_ae.validation.arguments import MAX_ROWS, check_choice, check_size

_RUNNERS = ("DirectRunner", "FlinkRunner", "SparkRunner", "DataflowRunner")


def process_files(
    export: str | os.PathLike,
    input: str | os.PathLike,
    output: str | os.PathLike,
    *,
    method: str = "score",
    format: str = "parquet",
    false_alarms: float = 0.01,
    batch_size: int = 1024,
    runner: str = "DirectRunner",
    options: Iterable[str] = (),
    overwrite: bool = False,
) -> dict[str, int]:
    """Applies an exported model to the rows of files, on a runner of Apache Beam.

    `output` then holds a shard for each input file (or 1,024 images), `part-00000-of-00012.parquet`, with columns
    `file`, `row` and the outputs; in `rejected/`, a JSON line {"file", "row", "reason"} for each bad row; in `done/`,
    the counts of each shard; and `summary.json`. A shard has a temporary name until it is complete. Repeat a call that
    was killed to write the missing shards. If all exist, a call does nothing.

    Args:
        export: folder of a SavedModel of `keras_ae.export.saved_model`.
        input: path with `*`: Parquet, CSV, TFRecord or image files. docs/scoring.md says what they hold.
        output: folder to write, on a disk that every worker can reach.
        method: "encode", "reconstruct", "score", "outliers" (of an exported detector) or "generate" (from seeds).
        format: "parquet" or "tfrecord".
        false_alarms: for "outliers", the largest probability that a usual row is called an outlier.
        batch_size: maximum number of rows per batch.
        runner: "DirectRunner", "FlinkRunner", "SparkRunner" or "DataflowRunner". The first runs in this process, on a
            thread for each core, but on 8 at most. The options "direct_num_workers=4" and
            "direct_running_mode=multi_processing" run it in four processes.
        options: options of Beam and the runner, "name=value" or "name".
        overwrite: whether to replace the output of another job.

    Returns:
        {"read", "written", "rejected", "outliers" (with `outlier` = 1), "shards", "new_shards" (of this call)}. All
        but the last count what all calls did: read = written + rejected.

    Raises:
        ImportError: without Apache Beam.
        FileNotFoundError: if there is no SavedModel, or no file matches.
        FileExistsError: if `output` holds anything else than an output of the same job.
        BlockingIOError: if another process writes to `output`, where that is a local folder.
        ValueError: for an invalid argument, a method that the export does not have, or a first file of another kind.
        RuntimeError: if the job failed. Finished shards stay.
    """
    check_choice("method", method, tuple(METHODS))
    check_choice("format", format, ("parquet", "tfrecord"))
    check_choice("runner", runner, _RUNNERS)
    check_size("batch_size", batch_size, high=MAX_ROWS)
    export, input, output = map(_absolute, (export, input, output))
    settings = {"export": export, "method": method, "format": format, "false_alarms": false_alarms}
    job = with_beam("job").Job(settings, input, output, batch_size)
    with _alone(output):
        missing = job.missing(overwrite=overwrite)
        if missing:
            job.run(missing, runner, [f"--{option.removeprefix('--')}" for option in options])
        return {**job.finish(), "new_shards": len(missing)}


def _alone(output):
    """Returns the lock of a local output. Two jobs must not write to one folder of a cloud."""
    if "://" in output:
        return contextlib.nullcontext()
    with naming(output):
        os.makedirs(output, exist_ok=True)
    return locked(output)


def _absolute(path):
    """Returns a local path as an absolute one, because workers may run in another folder."""
    path = os.path.expanduser(os.fspath(path))
    return path if "://" in path else os.path.abspath(path)
