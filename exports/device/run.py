"""Generates images or finds outliers with a .tflite file of keras_ae, on a machine without TensorFlow and keras_ae.

    python run.py decoder.tflite --seed 7 --condition 3 --num 4 --out threes.png
    python run.py detector.tflite --score examples.npy

It needs ai-edge-litert and NumPy. The file contains the names and the valid values of the inputs.
"""

import argparse
import json
import math
import os
import struct
import zlib

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

FORMAT = 1
COLUMNS = ("score", "p_value", "outlier")
LARGEST = 2**31 - 1


class Decoder:
    """The decoder in a .tflite file.

    Args:
        path: the file.

    Raises:
        ValueError: for another file, or one without metadata of keras_ae or without `generate`.
    """

    def __init__(self, path):
        metadata, self.interpreter = open_file(path)
        if "generate" not in metadata["signatures"]:
            raise ValueError(f"{path} does not generate: {metadata['omitted'].get('generate', 'no reason is given.')}")
        signature = metadata["signatures"]["generate"]
        self.properties = {name: note for name, note in signature["inputs"].items() if name not in ("seed", "row")}
        self.picture = signature["outputs"]["x"]
        self.generate = self.interpreter.get_signature_runner("generate")

    def draw(self, num, seed=0, values=None):
        """Returns images 0 ... num - 1 of a seed, float32 [num, ...]; `values` is {property: number or numbers}."""
        rows = self.picture["shape"][0]  # per call
        inputs = {"seed": np.int32([seed]), **_filled(self.properties, values)}
        calls = [self.generate(row=np.int32([row]), **inputs)["x"] for row in range(0, num, rows)]
        return np.concatenate(calls)[:num]


class Detector:
    """The outlier detector in a .tflite file.

    Args:
        path: the file.

    Raises:
        ValueError: for another file, or one without metadata of keras_ae or without `score`.
    """

    def __init__(self, path):
        metadata, self.interpreter = open_file(path)
        if "score" not in metadata["signatures"]:
            raise ValueError(f"{path} does not score: it must be the export of a fitted outlier detector.")
        inputs = metadata["signatures"]["score"]["inputs"]
        self.properties = {name: note for name, note in inputs.items() if name != "x"}
        self.shape, self.facts = inputs["x"]["shape"], metadata["detector"]
        self.score_rows = self.interpreter.get_signature_runner("score")

    def score(self, x, values=None):
        """Returns {"score", "p_value", "outlier"}, arrays [N], for examples [N, ...]; `values` is as in `draw`."""
        x, (rows, *event) = np.asarray(x, np.float32), self.shape
        if list(x.shape[1:]) != event or not len(x) or not np.isfinite(x).all():
            raise ValueError(
                f"The examples must be finite numbers [N, {', '.join(map(str, event))}]. Received: "
                f"shape {list(x.shape)}"
            )
        inputs = _filled(self.properties, values)
        filled = x[np.minimum(np.arange(-(-len(x) // rows) * rows), len(x) - 1)]
        calls = [self.score_rows(x=filled[row : row + rows], **inputs) for row in range(0, len(x), rows)]
        return {name: np.concatenate([call[name] for call in calls])[: len(x)] for name in calls[0]}


def open_file(path):
    """Returns the metadata of keras_ae in a .tflite file, and its interpreter."""
    with open(path, "rb") as file:
        content = file.read()
    return read_metadata(content, path), Interpreter(model_content=content, num_threads=1)


def _filled(properties, values):
    """Returns the inputs of properties, with the same value in each row."""
    return {
        name: np.broadcast_to(np.asarray(values[name], note["dtype"]), note["shape"]).copy()
        for name, note in properties.items()
    }


def read_metadata(content, path):
    """Returns the metadata of keras_ae in a .tflite file, a dictionary."""
    try:
        if content[4:8] != b"TFL3":
            raise ValueError("it has another file identifier.")
        model = schema.Model.GetRootAs(content, 0)
        entries = [model.Metadata(index) for index in range(model.MetadataLength())]
        buffers = [model.Buffers(entry.Buffer()) for entry in entries if entry.Name() == b"keras_ae"]
        metadata = json.loads(buffers[0].DataAsNumpy().tobytes()) if buffers else {}
    except (struct.error, IndexError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{path} could not be read as a .tflite file: {error}") from error
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
        raise ValueError(f"{path} must hold metadata of keras_ae, format {FORMAT}: export the model again.")
    return metadata


def parse(properties, texts):
    """Parses "digit=3", "place=0.5,1", or "3" for a single property, to {property: value}."""
    given = {}
    for text in texts:
        name, _, value = text.rpartition("=")
        if not name and len(properties) == 1:
            name = next(iter(properties))
        if not properties:
            raise ValueError(f"--condition must be omitted: this decoder has none. Received: --condition {text}")
        if name not in properties or name in given:
            raise ValueError(f"--condition must name {_names(properties)}, each once. Received: --condition {text}")
        given[name] = _value(name, properties[name], value)
    missing = [name for name in properties if name not in given]
    if missing:
        wanted = " and ".join(f"--condition {name}=VALUE, {_wanted(properties[name])}" for name in missing)
        raise ValueError(f"Give {wanted}.")
    return given


def _value(name, note, text):
    labels, size = note["labels"] or [], math.prod(note["shape"][1:])
    if text in labels:
        return labels.index(text)
    try:
        values = [int(text)] if note["dtype"] == "int32" else [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    low, high = (
        bound if bound is not None else limit for bound, limit in zip(_range(note), (-np.inf, np.inf), strict=True)
    )
    if len(values) != size or not all(math.isfinite(value) and low <= value <= high for value in values):
        raise ValueError(f"--condition {name} must be {_wanted(note)}. Received: {text or 'nothing'}")
    return values if note["shape"][1:] else values[0]


def _range(note):
    return note["range"] or (None, None)


def _names(properties):
    return " and ".join(properties)


def _wanted(note):
    size, (low, high) = math.prod(note["shape"][1:]), _range(note)
    what = (
        "a whole number"
        if note["dtype"] == "int32"
        else "a number"
        if size == 1
        else f"{size} comma-separated numbers, each"
    )
    unit = "" if note["unit"] == "1" else f", {note['unit']}"
    allowed = "" if low is None else f" from {low:g} to {high:g}"
    labels = f", or one of {', '.join(map(str, note['labels']))}" if note["labels"] else ""
    return f"{what}{allowed}{unit}{labels}"


def grid(pictures, allowed=None, scale=1):
    """Tiles images [N, H, W, C] to uint8 [rows * H * scale, columns * W * scale, C].

    `allowed` are the values of black and white, by default the minimum and the maximum. Every pixel becomes a square of
    `scale` pixels.
    """
    if pictures.ndim == 3:
        pictures = pictures[..., np.newaxis]
    if pictures.ndim != 4 or pictures.shape[-1] not in (1, 3):
        raise ValueError(f"The decoder must return gray or RGB images. It returns values of shape {pictures.shape[1:]}")
    if not np.isfinite(pictures).all():
        raise ValueError("The decoder returned NaN, because a value of the condition is invalid.")
    low, high = allowed or (None, None)
    low, high = (pictures.min(), pictures.max()) if low is None or high is None else (low, high)
    num, height, width, channels = pictures.shape
    columns = math.ceil(math.sqrt(num))
    rows = math.ceil(num / columns)
    sheet = np.zeros([rows * columns, height, width, channels])
    sheet[:num] = np.clip((pictures - low) / ((high - low) or 1.0), 0.0, 1.0)
    sheet = sheet.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    pixels = np.round(255.0 * sheet).astype(np.uint8).reshape(rows * height, columns * width, channels)
    return pixels.repeat(scale, axis=0).repeat(scale, axis=1)


def png(pixels):
    """Encodes uint8 pixels [H, W, 1] or [H, W, 3] as a PNG file."""
    height, width, channels = pixels.shape
    lines = np.insert(pixels.reshape(height, -1), 0, 0, axis=1)  # each line begins with the number of its filter, 0
    header = struct.pack(">2I5B", width, height, 8, {1: 0, 3: 2}[channels], 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b""))
    packed = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def draw(arguments):
    """Writes the images, and returns what to print."""
    decoder = Decoder(arguments.file)
    pictures = decoder.draw(arguments.num, arguments.seed, parse(decoder.properties, arguments.condition))
    content = png(grid(pictures, decoder.picture["range"], arguments.scale))
    with open(f"{arguments.out}.partial", "wb") as file:
        file.write(content)
    os.replace(f"{arguments.out}.partial", arguments.out)
    return f"{arguments.num} {'picture' if arguments.num == 1 else 'pictures'} in {arguments.out}"


def score(arguments):
    """Returns the scores of the examples as lines of a CSV file, and a sentence."""
    detector = Detector(arguments.file)
    x = np.load(arguments.score, allow_pickle=False)
    found = detector.score(x, parse(detector.properties, arguments.condition))
    lines = [
        f"{row},{score:.6g},{p_value:.4g},{outlier}"
        for row, (score, p_value, outlier) in enumerate(zip(*(found[name] for name in COLUMNS), strict=True))
    ]
    sentence = (
        f"# {found['outlier'].sum()} of {len(x)} have a score above {detector.facts['threshold']:.6g}, as about "
        f"{100 * detector.facts['false_alarm_rate']:.2g}% of usual examples have"
    )
    return "\n".join([",".join(("row", *COLUMNS)), *lines, sentence])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", help="a file that `keras-ae export litert` or `kae.export.litert` wrote")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same images in every export")
    parser.add_argument("--condition", action="append", default=[], metavar="[NAME=]VALUE", help="such as 3 or digit=3")
    parser.add_argument("--num", type=int, default=1, help="number of images")
    parser.add_argument("--scale", type=int, default=1, help="size of each pixel in pixels, 1 to 64")
    parser.add_argument("--out", default="picture.png", help="a PNG file")
    parser.add_argument("--score", metavar="FILE.npy", help="score the examples in this file, and draw nothing")
    arguments = parser.parse_args()
    try:
        if not 0 <= arguments.seed <= LARGEST:
            raise ValueError(f"--seed must be from 0 to {LARGEST}. Received: {arguments.seed}")
        if not 1 <= arguments.num <= LARGEST:
            raise ValueError(f"--num must be from 1 to {LARGEST}. Received: {arguments.num}")
        if not 1 <= arguments.scale <= 64:
            raise ValueError(f"--scale must be from 1 to 64. Received: {arguments.scale}")
        print(draw(arguments) if arguments.score is None else score(arguments))
    except OSError as error:
        parser.error(f"{error.filename or arguments.out}: {error.strerror or error}")
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
