"""The model of the inference benchmark in every format, in one folder, and codes with Keras' images."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
SEED = 0
CLASSES = 10


def default_model():
    """Returns the untrained model of `keras-ae train cvae --dataset mnist`, with biases that are not 0.

    With biases of 0, which the converter omits, files would be smaller than for a trained model, by 10 kB with int8.
    """
    import keras

    import keras_ae as kae

    keras.utils.set_random_seed(SEED)
    model = kae.models.ConditionalVAE(condition=kae.Categorical(CLASSES))
    model.build((None, 28, 28, 1))
    generator = np.random.default_rng(SEED)
    for layer in _layers(model):
        layer.bias.assign(generator.normal(scale=0.1, size=layer.bias.shape))
    return model


def trained_model(path):
    """Loads the model of a run.

    Raises:
        ValueError: for another kind of model.
    """
    from keras_ae.run import Run

    model = Run.open(path).model()
    if not _is_known(model):
        raise ValueError(
            "`--run` must be a run of `keras-ae train cvae --dataset mnist`: images of 28 x 28 x 1, one condition, an "
            f"MLP decoder with ReLU, the Bernoulli likelihood. Received: {model.name} in {path}"
        )
    return model


def _is_known(model):
    import keras_ae as kae

    parts = (model.condition, kae.Categorical), (model.decoder, kae.networks.MLP)
    fits = all(type(part) is kind for part, kind in (*parts, (model.likelihood_layer, kae.likelihoods.Bernoulli)))
    return fits and model.event_shape == (28, 28, 1) and model.decoder.activation == "relu"


def describe(model):
    """Returns the description of the model for the results."""
    layers = _layers(model)
    return {
        "class": type(model).__name__,
        "latent_dim": model.latent_dim,
        "classes": model.condition.num_classes,
        "widths": [layers[0].kernel.shape[0], *(layer.kernel.shape[1] for layer in layers)],
        "parameters": sum(layer.count_params() for layer in layers),
    }


def _layers(model):
    """Returns the dense layers of the decoder, in order."""
    return [*model.decoder.layers, model.likelihood_layer.dense]


def write_codes(model, folder, rows):
    """Writes the inputs of a call, `inputs-<rows>.npz`, and returns Keras' images."""
    condition = (np.arange(rows) % model.condition.num_classes).astype(np.int32)
    z = np.random.default_rng(SEED).standard_normal([rows, model.latent_dim]).astype(np.float32)
    np.savez(folder / f"inputs-{rows}.npz", z=z, condition=condition)
    return model.decode(z, condition).numpy()


def write_artifact(model, contestant, folder, rows):
    """Writes the artifact of a contestant, unless it exists, and returns its path."""
    path = folder / contestant.artifact.format(rows=rows)
    if not path.exists():
        _WRITERS[path.suffix](model, path, contestant.quantize, rows)
    if contestant.runner == "c_api":
        _write_program(path, rows)
    return path


def size(path):
    """Returns the bytes of a file, or of all files in a folder."""
    return sum(file.stat().st_size for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file())


def _litert(model, path, quantize, rows):
    import keras_ae as kae

    kae.export.litert(model, path, quantize=quantize, batch_size=rows)


def _saved_model(model, path, quantize, rows):
    import keras_ae as kae

    kae.export.saved_model(model, path)


def _onnx(model, path, quantize, rows):
    import keras_ae as kae

    kae.export.onnx(model, path)


def _keras(model, path, quantize, rows):
    model.save(path)


def _torch(model, path, quantize, rows):
    """Writes kernels and biases in order, and the features of each value of the condition."""
    arrays = {"features": model.condition(np.arange(model.condition.num_classes)).numpy()}
    for number, layer in enumerate(_layers(model)):
        arrays |= {f"kernel{number}": layer.kernel.numpy(), f"bias{number}": layer.bias.numpy()}
    np.savez(path, **arrays)


_WRITERS = {".tflite": _litert, "": _saved_model, ".onnx": _onnx, ".keras": _keras, ".npz": _torch}


def _write_program(directory, rows):
    """Builds exports/c/generate.c, and writes the arguments of a call of `decode`, `c-<rows>.json`."""
    from tensorflow.core.protobuf import saved_model_pb2

    folder = directory.parent
    if not (folder / "generate").exists():
        _build(folder / "generate")
    content = saved_model_pb2.SavedModel.FromString((directory / "saved_model.pb").read_bytes())
    definition = content.meta_graphs[0].signature_def["decode"]
    with np.load(folder / f"inputs-{rows}.npz") as inputs:
        numbers = {name: ",".join(map(str, np.ravel(value).tolist())) for name, value in inputs.items()}
    given = [f"{definition.inputs[name].name}={text}" for name, text in numbers.items()]
    (folder / f"c-{rows}.json").write_text(json.dumps([definition.outputs["x"].name, *given]))


def _build(program):
    """Builds the program as in exports/c/README.md."""
    import tensorflow as tf

    library = Path(tf.__file__).parent
    linked = ["-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2", f"-Wl,-rpath,{library}"]
    if shutil.which("ld.gold"):
        linked.append("-fuse-ld=gold")  # reads a library of 1 GB faster
    command = ["gcc", "-O2", "-o", program, ROOT / "exports/c/generate.c", f"-I{library}/include", f"-L{library}"]
    subprocess.run([*command, *linked], check=True)
