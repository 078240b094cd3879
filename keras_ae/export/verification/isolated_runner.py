"""Runs an export in a separate process, in which keras_ae, Keras and TFP cannot be imported.

    python isolated_runner.py saved_model|litert|onnx <export> <calls.npz> <results.npz> <report.json>

Calls are arrays "<index>/<signature>/<input>", results are arrays "<index>/<loader>/<output>". This file does not
import keras_ae.

Two loaders run a SavedModel: `tf.saved_model.load`, and a session as in `saved_model_cli run`, the C library and
TensorFlow Serving, which fails on files whose variables only Python can find. ai-edge-litert runs a .tflite file and
ONNX Runtime an .onnx file, both without TensorFlow.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

_BLOCKED = {
    "saved_model": ("keras_ae", "keras", "tf_keras", "tensorflow_probability"),
    "litert": ("keras_ae", "keras", "tf_keras", "tensorflow_probability", "tensorflow"),
    "onnx": ("keras_ae", "keras", "tf_keras", "tensorflow_probability", "tensorflow", "tf2onnx"),
}
_RUNS, _WARM_UP = 200, 20


def main(kind: str, export: str, calls_path: str, results_path: str, report_path: str) -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [place for place in sys.path if os.path.abspath(place) != here]  # so that its files shadow no library
    sys.modules.update(dict.fromkeys(_BLOCKED[kind]))  # their import fails
    answer(kind, export, calls_path, results_path, report_path)


def answer(kind: str, export: str, calls_path: str, results_path: str, report_path: str) -> None:
    """Runs the calls, and writes the outputs and a report with signatures and latency."""
    openers = {"saved_model": open_saved_model, "litert": open_litert, "onnx": open_onnx}
    loaders, signatures = openers[kind](export)
    calls = read_calls(calls_path)
    results = {
        f"{index}/{loader}/{key}": plain(value)
        for loader, run in loaders.items()
        for index, (name, inputs) in calls.items()
        for key, value in run(name, inputs).items()
    }
    np.savez(results_path, **results)
    first, (name, inputs) = next(iter(loaders.values())), calls["0"]
    report = {"signatures": signatures, "latency": latency(name, lambda: first(name, inputs))}
    with open(report_path, "w", encoding="utf-8") as file:
        json.dump(report, file)


def plain(value: np.ndarray) -> np.ndarray:
    """Returns an array that NumPy writes without pickle: the pixels of PNG files, and other arrays unchanged."""
    if value.dtype != object:
        return value
    import tensorflow as tf

    return np.stack([tf.io.decode_png(file).numpy() for file in value])


def read_calls(path: str) -> dict[str, tuple[str, dict]]:
    """Reads {index: (signature, {input: array})}."""
    calls = {}
    with np.load(path) as arrays:
        for key in arrays.files:
            index, name, argument = key.split("/")
            calls.setdefault(index, (name, {}))[1][argument] = arrays[key]
    return calls


def open_saved_model(directory: str) -> tuple[dict[str, Callable], dict]:
    """Returns {loader: function of (signature, {input: array})}, and the signatures of the file."""
    import tensorflow as tf

    loaded = tf.saved_model.load(directory)
    session = tf.compat.v1.Session(graph=tf.Graph())
    with session.graph.as_default():
        definitions = tf.compat.v1.saved_model.load(session, ["serve"], directory).signature_def

    def run_loaded(name, inputs):
        outputs = loaded.signatures[name](**{key: tf.constant(value) for key, value in inputs.items()})
        return {key: value.numpy() for key, value in outputs.items()}

    def run_session(name, inputs):
        definition = definitions[name]
        feed = {definition.inputs[key].name: value for key, value in inputs.items()}
        return session.run({key: info.name for key, info in definition.outputs.items()}, feed)

    def table(specs):
        return {key: {"dtype": spec.dtype.name, "shape": spec.shape.as_list()} for key, spec in sorted(specs.items())}

    signatures = {
        name: {"inputs": table(function.structured_input_signature[1]), "outputs": table(function.structured_outputs)}
        for name, function in loaded.signatures.items()
    }
    return {"python": run_loaded, "session": run_session}, signatures


def open_litert(path: str) -> tuple[dict[str, Callable], dict]:
    """Opens a .tflite file likewise, on one thread."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(path, num_threads=1)
    runners = {name: interpreter.get_signature_runner(name) for name in interpreter.get_signature_list()}

    def table(details):
        return {
            key: {"dtype": np.dtype(value["dtype"]).name, "shape": value["shape_signature"].tolist()}
            for key, value in sorted(details.items())
        }

    signatures = {
        name: {"inputs": table(runner.get_input_details()), "outputs": table(runner.get_output_details())}
        for name, runner in runners.items()
    }

    def run(name, inputs):
        """Splits the rows into calls of the file's fixed size, and converts floats from and to int8."""
        details = runners[name].get_input_details()
        inputs = {key: integers(value, details[key]) for key, value in inputs.items()}
        details = runners[name].get_output_details()
        return {key: floats(value, details[key]) for key, value in call(name, inputs).items()}

    def call(name, inputs):
        key, value = next(iter(inputs.items()))
        num = len(value) // signatures[name]["inputs"][key]["shape"][0]
        if num == 1:
            return runners[name](**inputs)
        parts = {key: np.split(value, num) for key, value in inputs.items()}
        answers = [runners[name](**{key: part[i] for key, part in parts.items()}) for i in range(num)]
        return {key: np.concatenate([answer[key] for answer in answers]) for key in answers[0]}

    return {"litert": run}, signatures


def integers(values: np.ndarray, detail: dict) -> np.ndarray:
    """Quantizes the values of an int8 input; returns other values unchanged."""
    if detail["dtype"] != np.int8:
        return values
    scale, zero_point = detail["quantization"]
    return np.clip(np.round(values / scale) + zero_point, -128, 127).astype(np.int8)


def floats(values: np.ndarray, detail: dict) -> np.ndarray:
    """Dequantizes the values of an int8 output; returns other values unchanged."""
    if detail["dtype"] != np.int8:
        return values
    scale, zero_point = detail["quantization"]
    return (np.float32(scale) * (values.astype(np.float32) - zero_point)).astype(np.float32)


def open_onnx(path: str) -> tuple[dict[str, Callable], dict]:
    """Opens an .onnx file likewise, on one thread; the name of its graph is its one signature."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    dtypes = {"tensor(float)": "float32"}

    def table(values):
        return {
            value.name: {
                "dtype": dtypes.get(value.type, value.type.removeprefix("tensor(").removesuffix(")")),
                "shape": [length if isinstance(length, int) else None for length in value.shape],
            }
            for value in sorted(values, key=lambda value: value.name)
        }

    def run(name, inputs):
        if name != signature:
            raise KeyError(name)
        return dict(zip(outputs, session.run(outputs, inputs), strict=True))

    signature, outputs = session.get_modelmeta().graph_name, [value.name for value in session.get_outputs()]
    tables = {"inputs": table(session.get_inputs()), "outputs": table(session.get_outputs())}
    return {"onnx": run}, {signature: tables}


def latency(name: str, function: Callable[[], object]) -> dict[str, float]:
    """Returns the median time of a call of a signature in microseconds."""
    times = []
    for _ in range(_WARM_UP + _RUNS):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return {f"{name}_us": round(1e6 * statistics.median(times[_WARM_UP:]), 1), "runs": _RUNS}


if __name__ == "__main__":
    main(*sys.argv[1:])
