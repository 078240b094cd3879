"""A signature of a SavedModel as a function of rows."""

import json
import os
from collections.abc import Callable
from typing import Any

import numpy as np

# Methods, and the signatures of an export that compute them.
METHODS = {
    "encode": "encode",
    "reconstruct": "reconstruct",
    "score": "score",
    "outliers": "score",
    "generate": "sample",
}


class ExportedModel:
    """A SavedModel of `keras_ae.export.saved_model`, loaded without Keras and without the code of the model.

    Args:
        export: folder of the SavedModel.
        method: a key of `METHODS`.
        false_alarms: for "outliers", the probability that a usual row is called an outlier.

    Attributes:
        inputs: {input: `tf.TensorSpec`}, x or the seed first.
        outputs: {output: `tf.TensorSpec`}.

    Raises:
        FileNotFoundError: if there is no SavedModel.
        ValueError: if it does not have the signature, or for a rate that its detector cannot keep.
    """

    def __init__(self, export: str, method: str, false_alarms: float = 0.01):
        import tensorflow as tf

        if not tf.io.gfile.exists(os.path.join(export, "saved_model.pb")):
            raise FileNotFoundError(
                f"`export` must be the folder of a SavedModel, such as exports/models/vae/1. Received: {export!r}"
            )
        self._loaded = tf.saved_model.load(export)
        known = self._loaded.signatures
        if METHODS[method] not in known:
            methods = [name for name, signature in METHODS.items() if signature in known and name != "outliers"]
            raise ValueError(f"`method` must be one of {methods} for {export}. Received: method={method!r}")
        if method == "outliers":
            _check_false_alarms(export, false_alarms)
        self._call = known[METHODS[method]]
        specs = self._call.structured_input_signature[1]
        self.inputs = dict(sorted(specs.items(), key=lambda item: item[0] not in ("x", "seed")))
        self.outputs = dict(self._call.structured_outputs)
        self._false_alarms = false_alarms if method == "outliers" else None

    def __call__(self, arrays: dict[str, Any]) -> tuple[list[int], dict[str, np.ndarray], dict[int, str]]:
        """Computes the outputs of rows.

        Args:
            arrays: {input: array [B, ...]}, in which NaN stands for missing numbers.

        Returns:
            Indices of the K rows with outputs; {output: array [K, ...]}, empty if K is 0; {index of any other row: the
            reason why it is rejected}.
        """
        import tensorflow as tf

        checked, rejected = {}, {}
        for name, spec in self.inputs.items():
            checked[name] = _checked(name, spec, np.asarray(arrays[name]), rejected)
        num = len(checked[name])

        def compute(rows):
            inputs = {name: array if len(rows) == num else array[rows] for name, array in checked.items()}
            outputs = self._call(**{name: tf.constant(array) for name, array in inputs.items()})
            return {name: outputs[name].numpy() for name in self.outputs}

        kept, outputs = apart(compute, [row for row in range(num) if row not in rejected], rejected)
        if self._false_alarms is not None and kept:
            outputs["outlier"] = (outputs["p_value"] <= self._false_alarms).astype(np.int32)
        return kept, outputs, rejected


def apart(
    function: Callable[[list[int]], dict[str, np.ndarray]], rows: list[int], rejected: dict[int, str]
) -> tuple[list[int], dict[str, np.ndarray]]:
    """Applies a function that refuses all rows if one of them is bad.

    Rows that are refused are halved until the bad ones are alone: k bad rows of B take about 2 k log2(B) calls.

    Args:
        function: function of row numbers to {name: array}, one entry a row.
        rows: the row numbers.
        rejected: dictionary to which {bad row: reason} is added.

    Returns:
        The other rows, and {name: array}, empty if there are none.
    """
    import tensorflow as tf

    parts, waiting = [], [rows] if rows else []
    while waiting:
        some = waiting.pop()
        try:
            parts.append((some, function(some)))
        except (ValueError, KeyError, TypeError, tf.errors.InvalidArgumentError, tf.errors.DataLossError) as error:
            if len(some) == 1:
                rejected[some[0]] = _sentence(getattr(error, "message", str(error)))
            else:
                waiting += [some[len(some) // 2 :], some[: len(some) // 2]]  # the first half is next
    if len(parts) < 2:
        return parts[0] if parts else ([], {})
    kept = [row for some, _ in parts for row in some]
    return kept, {name: np.concatenate([arrays[name] for _, arrays in parts]) for name in parts[0][1]}


def _checked(name, spec, given, rejected):
    """Returns an array in the dtype and shape of an input, and adds rows that it does not take to `rejected`."""
    given, whole = given.reshape(len(given), *spec.shape[1:]), spec.dtype.is_integer
    with np.errstate(over="ignore", invalid="ignore"):
        values = given if whole else given.astype(spec.dtype.as_numpy_dtype, copy=False)
        bad = ~np.isfinite(values)
        if whole:
            bad |= (given % 1 != 0) | (np.abs(given) >= 2**31)
    if bad.any():
        values = np.where(bad, 0, values)
    for row in np.flatnonzero(bad.reshape(len(bad), -1).any(axis=1)):
        kind, value = "whole" if whole else "finite", given[row][bad[row]].flat[0]
        rejected.setdefault(int(row), f"`{name}` must be {kind} numbers, none missing. Received: {value:g}")
    return values.astype(spec.dtype.as_numpy_dtype, copy=False)


def _sentence(message):
    """Returns the sentence of a failed check of the graph, without TensorFlow's additions."""
    data = message.partition("assertion failed: ")[2].partition("\n")[0].partition(" [[{{")[0].strip()
    return data.removeprefix("[").removesuffix("]").replace("] [", " ") or message.splitlines()[0]


def _check_false_alarms(export, rate):
    """Raises a `ValueError` unless the export is a detector whose p-values can be as small as `rate`."""
    import tensorflow as tf

    path = os.path.join(export, "assets.extra", "card.json")
    facts = json.loads(tf.io.gfile.GFile(path).read())["detector"] if tf.io.gfile.exists(path) else {}
    if not facts:
        raise ValueError(f"`export` must hold a detector: saved_model(detector, ...). Received: {export!r}")
    if not facts["smallest_p_value"] <= rate < 1:
        raise ValueError(
            f"`false_alarms` must be in [{facts['smallest_p_value']:.2g}, 1) with {facts['calibration_examples']} "
            f"calibration examples. Received: false_alarms={rate:g}"
        )
