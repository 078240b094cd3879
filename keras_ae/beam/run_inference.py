"""Beam's RunInference with exported models: a bad row goes to a separate output, and the others continue."""

import apache_beam as beam
import numpy as np
from apache_beam.metrics import Metrics
from apache_beam.ml.inference.base import KeyedModelHandler, ModelHandler, RunInference

from keras_ae.beam.exported_model import ExportedModel, apart

COUNTERS = {name: Metrics.counter("keras_ae", name) for name in ("read", "written", "rejected")}


class ExportHandler(ModelHandler):
    """Loads an export once per worker process, and runs it on batches of rows. Arguments as `ExportedModel`."""

    def __init__(self, export: str, method: str, false_alarms: float, batch_size: int):
        super().__init__(max_batch_size=batch_size)
        self._arguments = export, method, false_alarms

    def load_model(self) -> ExportedModel:
        return ExportedModel(*self._arguments)

    def run_inference(self, batch: list, model: ExportedModel, inference_args: dict | None = None) -> list:
        """Returns, for each row, a dict of its outputs, or a text that says why it is rejected."""
        batch = [row if isinstance(row, dict) else {next(iter(model.inputs)): row} for row in batch]

        def stack(numbers):
            arrays = {name: np.stack([np.asarray(batch[n].get(name), float) for n in numbers]) for name in model.inputs}
            for name, spec in model.inputs.items():
                if arrays[name].shape[1:] != tuple(spec.shape[1:]):
                    raise ValueError(f"`{name}` must have shape {list(spec.shape[1:])}")
            return arrays

        results = {}
        numbers, arrays = apart(stack, list(range(len(batch))), results)
        if numbers:
            kept, outputs, rejected = model(arrays)
            for place, row in enumerate(kept):
                results[numbers[row]] = {name: values[place] for name, values in outputs.items()}
            results |= {numbers[row]: reason for row, reason in rejected.items()}
        num = sum(map(is_rejected, results.values()))
        for name, count in zip(COUNTERS, (len(batch), len(batch) - num, num), strict=True):
            COUNTERS[name].inc(count)
        return [results[number] for number in range(len(batch))]

    def get_num_bytes(self, batch: list) -> int:
        return 0  # Beam would pickle each batch to know


class Apply(beam.PTransform):
    """(key, row) -> two collections: (key, {output: value}), and (key, reason) of the rows that are rejected."""

    def __init__(self, *arguments):
        super().__init__()
        self._handler = ExportHandler(*arguments)

    def expand(self, rows):
        results = rows | RunInference(KeyedModelHandler(self._handler))
        return results | beam.Partition(lambda keyed, _: int(is_rejected(keyed[1])), 2)


def is_rejected(result: dict | str) -> bool:
    return isinstance(result, str)
