"""Runs: the folders that `keras-ae train` leaves and every later command takes.

TensorFlow is loaded with the model of a run, not before.
"""

from keras_ae.run.environment import surroundings
from keras_ae.run.folder import check_new_folder, new_folder
from keras_ae.run.run import Run

__all__ = ["Run", "check_new_folder", "new_folder", "surroundings"]
