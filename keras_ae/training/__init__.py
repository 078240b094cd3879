"""Training: data adaptation, the order of examples, and compiled training steps."""

from keras_ae.training.data_adapter import is_stream
from keras_ae.training.shuffling import batches, by_epoch, permutation
from keras_ae.training.step import Tracker
from keras_ae.training.trainer import Trainer

__all__ = ["Tracker", "Trainer", "batches", "by_epoch", "is_stream", "permutation"]
