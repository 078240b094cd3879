"""Training: data adaption, the order of examples, and compiled training steps."""

from keras_ae.training.data_adapter import checked_batches, is_stream
from keras_ae.training.shuffling import EpochSetter, batches, by_epoch, permutation
from keras_ae.training.trainer import Trainer

__all__ = ["EpochSetter", "Trainer", "batches", "by_epoch", "checked_batches", "is_stream", "permutation"]
