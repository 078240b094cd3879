"""Export: files that run without keras_ae, each verified by another loader before it takes its place."""

from keras_ae.export.card.card import Card
from keras_ae.export.litert.convert import litert
from keras_ae.export.litert.metadata import litert_metadata
from keras_ae.export.onnx import onnx
from keras_ae.export.saved_model import saved_model
from keras_ae.export.verification.report import Check, Report
from keras_ae.export.verification.verify import verify

__all__ = ["Card", "Check", "Report", "litert", "litert_metadata", "onnx", "saved_model", "verify"]
