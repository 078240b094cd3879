"""Runs an export with a consumer that is not of this project, in an environment of its own: it imports nothing of it.

    python consumer.py openvino <SavedModel, .tflite or .onnx> <inputs.npz> <outputs.npz>
    python consumer.py tflite-micro <.tflite> <inputs.npz> <outputs.npz>

Inputs are arrays by their names, in the order of the file. Outputs are "0", "1", ...
"""

import sys

import numpy as np


def main(kind, path, inputs_path, outputs_path):
    with np.load(inputs_path) as arrays:
        inputs = {name: arrays[name] for name in arrays.files}
    outputs = {"openvino": openvino, "tflite-micro": tflite_micro}[kind](path, inputs)
    np.savez(outputs_path, **{str(index): value for index, value in enumerate(outputs)})


def openvino(path, inputs):
    import openvino

    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = compiled(inputs)
    return [found[output] for output in compiled.outputs]


def tflite_micro(path, inputs):
    from tflite_micro.python.tflite_micro import runtime

    interpreter = runtime.Interpreter.from_file(path, arena_size=1 << 20)
    for index, value in enumerate(inputs.values()):
        interpreter.set_input(value, index)
    interpreter.invoke()
    return [interpreter.get_output(0)]


if __name__ == "__main__":
    main(*sys.argv[1:])
