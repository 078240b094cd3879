"""Export: files that run without keras_ae, each verified by another loader before it takes its place."""

from keras_ae.export.card import Card
from keras_ae.export.litert import litert
from keras_ae.export.metadata import litert_metadata
from keras_ae.export.saved_model import saved_model

__all__ = ["Card", "litert", "litert_metadata", "saved_model"]
