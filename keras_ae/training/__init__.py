"""How a model is trained: the order of an epoch, and what happens between steps."""

from keras_ae.training.epochs import batches, by_epoch, permutation

__all__ = ["batches", "by_epoch", "permutation"]
