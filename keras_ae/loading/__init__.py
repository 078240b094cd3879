"""Loads models from untrusted files, which can neither run code nor take more memory than their weights."""

from keras_ae.loading.load import load

__all__ = ["load"]
