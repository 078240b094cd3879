"""Export: files that run without keras_ae, each verified by another loader before it takes its place.

    saved_model.py     `saved_model`: for TensorFlow Serving and every language with a TensorFlow library
    onnx.py            `onnx`: for ONNX Runtime
    litert/            `litert`: for phones, browsers and microcontrollers
        convert.py         the exporter; conversion of the pieces of a model
        calibration.py     calls that int8 is calibrated with
        flatbuffer.py      one file from the converter's files; tensor_names.py: short names in it
        metadata.py        `litert_metadata`: what the file says of its inputs and outputs
        quality.py         budgets; how far a rounded file is from the model
    verification/      `verify`; every exporter compares with the model here
        probes.py          calls of the signatures, with the answers of the model
        comparison.py      runs an export in another process, isolated_runner.py, and compares its answers
        serving_version.py whether TensorFlow Serving can load a SavedModel
        verify.py          files and numbers of existing exports against their cards
    card/              what is known of an export, and travels with it
        artifact_files.py  the files of an export
        card.py            the card, written, read and checked
        probe_file.py      probes in a file
    signatures/        the functions that an export offers
        signature.py       what all formats share; server.py: SavedModel; device.py: LiteRT
        descriptions.py    what inputs and outputs mean
        warm_up.py         requests that a server runs first

Files are put into place by `keras_ae.io.writing`. Of the four folders, each imports only from those below it.
"""

from keras_ae.export.card.card import Card
from keras_ae.export.litert.convert import litert
from keras_ae.export.litert.metadata import litert_metadata
from keras_ae.export.onnx import onnx
from keras_ae.export.saved_model import saved_model
from keras_ae.export.verification.verify import Check, Report, verify

__all__ = ["Card", "Check", "Report", "litert", "litert_metadata", "onnx", "saved_model", "verify"]
