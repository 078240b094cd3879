"""Runs: the folders that `keras-ae train` writes and later commands read.

TensorFlow is imported only when the model of a run is loaded.
"""

from keras_ae.run.folder import check_new_folder, new_folder
from keras_ae.run.run import Run

__all__ = ["Run", "check_new_folder", "new_folder"]
