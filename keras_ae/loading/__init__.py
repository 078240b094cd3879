"""Loading models from files that may come from anywhere: none runs code, and none takes more memory than it holds."""

from keras_ae.loading.load import load

__all__ = ["load"]
