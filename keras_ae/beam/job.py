"""The job of `process_files`: a part of the input in, a shard out.

Reading, the model and writing are one step for each part. So a shard depends only on its part, on every runner, and a
worker holds one batch at a time. RunInference would be a separate step that returns single rows, which a runner may
keep in memory, or repeat in another grouping.
"""

import contextlib
import hashlib
import json
import os
from collections import Counter
from typing import Any

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.utils.shared import Shared

from keras_ae.beam.exported_model import ExportedModel
from keras_ae.beam.reading import Part, plan, read
from keras_ae.beam.run_inference import COUNTERS
from keras_ae.beam.shards import SHARDS, WRITING, renamed
from keras_ae.io.locking import LOCK

_COUNTS = (*COUNTERS, "outliers")
_THREADS = 8  # each holds a batch and results in memory


class Job:
    """A job and its folder. Arguments and errors are as in `process_files`; `settings` identify its results."""

    def __init__(self, settings: dict[str, Any], input: str, output: str, batch_size: int):
        parts, sizes = plan(input)
        self.output, self.parts = output, {_name(number, len(parts)): part for number, part in enumerate(parts)}
        self._settings = {**settings, "batch_size": batch_size, "output": output}
        self._description = {**settings, "input": sizes, "card": _card(settings["export"])}
        model = _load(self._settings)  # so that a wrong argument fails before the job starts
        first = next(read(parts[0], model.inputs, 16))
        if parts[0].kind != "image" and not first.keys and len(first.rejected) == 1:
            raise ValueError(f"`input` must fit the export: {first.rejected[0][1].partition(': ')[2]}")

    def missing(self, *, overwrite: bool) -> list[tuple[str, Part]]:
        """Prepares the folder, and returns the names and parts of the missing shards."""
        old = _read_json(self.output, "job.json")
        if old is None and any(os.path.basename(path) != LOCK for path in _paths(self.output, "*")):
            raise FileExistsError(f"`output` must be empty, or hold an earlier run. Received: {self.output!r}")
        if old not in (None, self._description):
            if not overwrite:
                changed = [name for name, value in self._description.items() if old.get(name) != value]
                raise FileExistsError(
                    f"`output` holds another job, which differs in {changed}. Choose another folder, or pass "
                    f"overwrite=True to replace it. Received: {self.output!r}"
                )
            # First what says that it is whole, so that a killed replacement is not taken for either job.
            for names in (["summary.json"], ["done", "*"], ["rejected", "*"], ["part-*"], ["job.json"]):
                _delete(self.output, *names)
        _delete(self.output, WRITING, "*")  # of killed workers
        if old != self._description:
            _write_json(self._description, self.output, "job.json")
        finished = {path.rpartition("part-")[2] for path in _paths(self.output, "done", "part-*.json")}
        return [(name, part) for name, part in self.parts.items() if f"{name[5:]}.json" not in finished]

    def run(self, parts: list[tuple[str, Part]], runner: str, options: list[str]) -> None:
        """Runs the pipeline until it has ended."""
        if runner == "DirectRunner" and not any(option.startswith("--direct_") for option in options):
            threads = min(os.cpu_count() or 1, _THREADS)
            options = [*options, f"--direct_num_workers={threads}", "--direct_running_mode=multi_threading"]
        try:
            given = PipelineOptions([*options, f"--runner={runner}"])
            given.get_all_options()
        except SystemExit as error:  # argparse's
            raise ValueError(f"`options` must be options of Beam, name=value. Received: {options}") from error
        if runner == "DirectRunner":  # the one of this name may first download another runner
            from apache_beam.runners.portability.fn_api_runner import FnApiRunner

            runner = FnApiRunner()
        try:
            with beam.Pipeline(runner, options=given) as pipeline:
                _ = pipeline | beam.Create(parts) | beam.Reshuffle() | beam.ParDo(_WriteShard(self._settings))
        except Exception as error:
            reason = [type(error).__name__, *(line for line in str(error).splitlines() if line.strip())][-1]
            raise RuntimeError(
                f"The job failed. Its finished shards stay, and the same call goes on with the others. {reason}"
            ) from error

    def finish(self) -> dict[str, int]:
        """Writes `summary.json`, and returns the sums of the counts of all shards."""
        counts = _read_json(self.output, "summary.json")
        if counts is None:
            counts = Counter(dict.fromkeys(_COUNTS, 0), shards=len(self.parts))
            for name in self.parts:
                done = _read_json(self.output, "done", f"{name}.json")
                if done is None:  # of a job that was canceled on its cluster
                    raise RuntimeError(f"The job ended without {name}. Run the same call again.")
                counts.update(done)
            _write_json(counts, self.output, "summary.json")
            with contextlib.suppress(OSError):  # a local folder is left over
                os.rmdir(FileSystems.join(self.output, WRITING))
        return counts


class _WriteShard(beam.DoFn):
    def __init__(self, settings):
        self._settings, self._shared = settings, Shared()

    def setup(self):
        self._model = self._shared.acquire(lambda: _load(self._settings))

    def process(self, named):
        (name, part), output, kind = named, self._settings["output"], self._settings["format"]
        counts = Counter(dict.fromkeys(_COUNTS, 0))
        with renamed(output, "rejected", f"{name}.jsonl") as bad, renamed(output, f"{name}.{kind}") as good:
            shard = SHARDS[kind](good, self._model.outputs)
            with contextlib.closing(shard), FileSystems.create(bad) as log:
                for rows in read(part, self._model.inputs, self._settings["batch_size"]):
                    self._write(rows, shard, log, counts)
        _write_json(counts, output, "done", f"{name}.json")  # last: it says that the others are there
        for key, counter in COUNTERS.items():
            counter.inc(counts[key])

    def _write(self, rows, shard, log, counts):
        kept, outputs, refused = self._model(rows.arrays) if rows.keys else ((), {}, {})
        if len(kept):
            shard.write([rows.keys[row] for row in kept], outputs)
        rejected = sorted(rows.rejected + [(rows.keys[row], reason) for row, reason in refused.items()])
        for (file, row), reason in rejected:
            log.write((json.dumps({"file": file, "row": row, "reason": reason}) + "\n").encode())
        counts.update(read=len(rows.keys) + len(rows.rejected), written=len(kept), rejected=len(rejected))
        counts["outliers"] += int(outputs["outlier"].sum()) if "outlier" in outputs else 0


def _load(settings):
    return ExportedModel(settings["export"], settings["method"], settings["false_alarms"])


def _name(number, shards):
    return f"part-{number:05d}-of-{shards:05d}"


def _paths(*names):
    return [each.path for each in FileSystems.match([FileSystems.join(*names)])[0].metadata_list]


def _delete(*names):
    if paths := _paths(*names):
        FileSystems.delete(paths)


def _write_json(value, output, *names):
    with renamed(output, *names) as path, FileSystems.create(path) as file:
        file.write(json.dumps(value, indent=1).encode())


def _read_json(*names):
    """Returns the content of a JSON file, or `None` if there is none."""
    path = FileSystems.join(*names)
    if not FileSystems.exists(path):
        return None
    with FileSystems.open(path) as file:
        return json.loads(file.read())


def _card(export):
    """Returns the hash of the card of an export, which has the hashes of its files; `None` without a card."""
    card = _read_json(export, "assets.extra", "card.json")
    return card and hashlib.sha256(json.dumps(card).encode()).hexdigest()
