"""The contestants of the inference benchmark, each in a separate process."""

import dataclasses
import importlib.util
import shutil

OURS = "litert-none-1"
SERVER = "saved-model"


@dataclasses.dataclass(frozen=True)
class Contestant:
    """A way to decode.

    Args:
        name: on the command line and in the results.
        label: in tables and pictures.
        runner: function in `decoding.runners`.
        artifact: file or folder that it loads; {rows} stands for the rows per call.
        options: options of its runner.
        quantize: the quantization, as in `kae.export.litert`.
    """

    name: str
    label: str
    runner: str
    artifact: str
    options: dict = dataclasses.field(default_factory=dict)
    quantize: str = "none"


def _litert(quantize, label, threads):
    name, label = f"litert-{quantize}-{threads}", f"LiteRT {label}, {_threads(threads)}"
    return Contestant(name, label, "litert", f"{quantize}-{{rows}}.tflite", {"threads": threads}, quantize)


def _threads(number):
    return "1 thread" if number == 1 else f"{number} threads"


_PRECISIONS = {"none": "fp32", "fp16": "fp16", "dynamic": "dynamic", "int8": "int8"}
_THREADS = (1, 2)
CONTESTANTS = {
    c.name: c
    for c in (
        *(_litert(quantize, label, n) for quantize, label in _PRECISIONS.items() for n in _THREADS),
        *(
            Contestant(f"onnx-{n}", f"ONNX Runtime, {_threads(n)}", "onnx", "decoder.onnx", {"threads": n})
            for n in _THREADS
        ),
        *(
            Contestant(f"torch-{n}", f"PyTorch eager, {_threads(n)}", "torch_eager", "torch.npz", {"threads": n})
            for n in _THREADS
        ),
        Contestant("c", "TensorFlow C API", "c_api", "saved_model"),
        Contestant(SERVER, "SavedModel signature", "saved_model", "saved_model"),
        Contestant("decode", "model.decode", "keras_decode", "model.keras"),
        Contestant("predict", "model.predict", "keras_predict", "model.keras"),
    )
}


def left_out(runner):
    """Returns why a runner cannot run here, or `None`."""
    packages = {"onnx": ("onnx", "tf2onnx", "onnxruntime"), "torch_eager": ("torch",)}
    missing = [name for name in packages.get(runner, ()) if importlib.util.find_spec(name) is None]
    if missing:
        extra = "onnx" if runner == "onnx" else "peers"
        return f'{", ".join(missing)} not installed: pip install ".[{extra}]"'
    if runner == "c_api" and shutil.which("gcc") is None:
        return "there is no C compiler, gcc"
    return None
