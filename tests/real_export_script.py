"""A whole export in a process that may be killed: conversion, comparison and all.

Arguments: the name of the export, "a.tflite" or "a"; the number of the version, 0 or 1; a name for the file that says
when the libraries are loaded, and the export begins.
"""

import pathlib
import sys

import numpy as np

import keras_ae as kae
from keras_ae.networks import MLP


def version(number):
    """A model by whose pictures versions are told apart."""
    model = kae.Autoencoder(MLP([4]), MLP([4]), latent_dim=2)
    model.build((None, 2, 2, 1))
    for weight in model.weights:
        weight.assign(np.full(weight.shape, 0.1 * (number + 1), np.float32))
    return model


def export(name, number):
    if name.endswith(".tflite"):
        kae.export.litert(version(number), name)
    else:
        kae.export.saved_model(version(number), name, overwrite=True)


if __name__ == "__main__":
    pathlib.Path(sys.argv[3]).touch()
    export(sys.argv[1], int(sys.argv[2]))
