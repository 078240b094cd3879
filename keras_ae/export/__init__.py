"""Exports a model or an outlier detector to files that run without keras_ae.

Another loader verifies each file before it is published.

    saved_model.py     `saved_model`: for TensorFlow Serving and every language with a TensorFlow library
    onnx.py            `onnx`: for ONNX Runtime
    litert/            `litert`: for phones, browsers and microcontrollers
        convert.py         the exporter, and the conversion of the pieces of a model
        calibration.py     example calls that calibrate int8
        flatbuffer.py      assembles one file from the converted pieces; tensor_names.py: names its tensors
        metadata.py        `litert_metadata`: descriptions of inputs and outputs, stored in the file
        quality.py         budgets for the quantization error, and its measurement
    verification/      `verify`, and the comparison of every export with its model
        probes.py          calls of the signatures, with the model's outputs
        comparison.py      runs an export in a separate process, isolated_runner.py, and compares outputs
        serving_version.py whether TensorFlow Serving can load a SavedModel
        verify.py          checks existing exports against their cards
    card/              the card that travels with an export
        artifact_files.py  the files of an export
        card.py            writes, reads and validates cards
        probe_file.py      stores probes in a file
    signatures/        the functions that an export offers
        signature.py       common to all formats; server.py: SavedModel; device.py: LiteRT
        detector.py        `score` of an outlier detector
        descriptions.py    descriptions of inputs and outputs
        warm_up.py         requests that a server runs first

`keras_ae.io.writing` publishes the files. Each of the four folders imports only from the folders below it.
"""

from keras_ae.export.card.card import Card
from keras_ae.export.litert.convert import litert
from keras_ae.export.litert.metadata import litert_metadata
from keras_ae.export.onnx import onnx
from keras_ae.export.saved_model import saved_model
from keras_ae.export.verification.verify import Check, Report, verify

__all__ = ["Card", "Check", "Report", "litert", "litert_metadata", "onnx", "saved_model", "verify"]
