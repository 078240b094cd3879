"""The contestant's side of the inference benchmark: `python -m decoding.runners --runner=litert ...`.

A contestant decodes the codes once, writes the images to a file and prints their shape. Then, for each number on a line
of standard input, it makes that many calls and prints the microseconds of each. `exports/c/generate.c --time` does the
same.

A call takes NumPy arrays and returns an array, and is timed completely.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
from side_by_side.referee import end_with_parent, take_output


def litert(file, inputs, *, threads):
    from ai_edge_litert.interpreter import Interpreter

    decode = Interpreter(str(file), num_threads=threads).get_signature_runner("decode")
    return lambda: decode(**inputs)["x"]


def saved_model(directory, inputs):
    import tensorflow as tf

    loaded = tf.saved_model.load(str(directory))
    decode = loaded.signatures["decode"]

    def call():
        return decode(**{name: tf.constant(value) for name, value in inputs.items()})["x"].numpy()

    call.loaded = loaded  # a signature does not keep the variables
    return call


def onnx(file, inputs, *, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(["x"], inputs)[0]


def torch_eager(file, inputs, *, threads):
    """Builds the network in PyTorch: a table with the features of the condition, dense layers with ReLU, a sigmoid."""
    import torch

    torch.set_num_threads(threads)
    with np.load(file) as found:
        weights = {name: torch.from_numpy(array) for name, array in found.items()}
    features, layers = weights["features"], []
    for number in range((len(weights) - 1) // 2):
        kernel, bias = weights[f"kernel{number}"], weights[f"bias{number}"]
        layer = torch.nn.Linear(*kernel.shape)
        layer.load_state_dict({"weight": kernel.T, "bias": bias})
        layers += [layer, torch.nn.ReLU()]
    network = torch.nn.Sequential(*layers[:-1], torch.nn.Sigmoid(), torch.nn.Unflatten(1, (28, 28, 1)))

    @torch.inference_mode()
    def call():
        z, condition = (torch.from_numpy(inputs[name]) for name in ("z", "condition"))
        return network(torch.cat([z, features[condition]], dim=-1)).numpy()

    return call


def keras_decode(file, inputs):
    model = _load(file)
    return lambda: model.decode(inputs["z"], inputs["condition"]).numpy()


def keras_predict(file, inputs):
    import keras

    class Decoder(keras.Model):
        def __init__(self, autoencoder):
            super().__init__()
            self.autoencoder = autoencoder

        def call(self, inputs):
            return self.autoencoder.decode(*inputs)

    decoder, codes = Decoder(_load(file)), (inputs["z"], inputs["condition"])
    return lambda: decoder.predict(codes, batch_size=len(codes[0]), verbose=0)


def _load(file):
    import keras_ae as kae

    return kae.load(file)


def c_api(directory, out):
    """Replaces this process by the C program, whose arguments the parent has written."""
    program, tensors = directory.with_name("generate"), json.loads(out.with_suffix(".json").read_text())
    os.execv(program, [str(program), "--time", str(directory), str(out), *tensors])


def serve(call, lines, out, answers, clock=time.perf_counter):
    """Times calls of a function on request.

    Args:
        call: function that returns an array.
        lines: iterator of lines with a number of calls each.
        out: path for the first array.
        answers: file for the shape of the array, and then for a line of times in microseconds for each request.
        clock: function that returns seconds.
    """
    pictures = np.asarray(call(), np.float32)
    pictures.tofile(out)
    print(*pictures.shape, file=answers, flush=True)
    for line in lines:
        times = [0.0] * int(line)
        for number in range(len(times)):
            start = clock()
            call()
            times[number] = clock() - start
        print(*(f"{1e6 * seconds:.2f}" for seconds in times), file=answers, flush=True)


def main():
    end_with_parent()
    parser = argparse.ArgumentParser()
    for name in ("runner", "artifact", "inputs", "out", "options"):
        parser.add_argument(f"--{name}", required=True)
    arguments = parser.parse_args()
    artifact, out = Path(arguments.artifact), Path(arguments.out)
    if arguments.runner == "c_api":
        c_api(artifact, out)
    answers = take_output()
    with np.load(arguments.inputs) as found:
        inputs = dict(found)
    call = globals()[arguments.runner](artifact, inputs, **json.loads(arguments.options))
    serve(call, iter(sys.stdin.readline, ""), out, answers)


if __name__ == "__main__":
    main()
