"""Trains a model on digits, as a script of a user's would, and writes its weights and the state of its optimizer.

same_bits_script.py NETWORK SEED FILE
"""

import sys

import keras
import numpy as np

import keras_ae as kae

if __name__ == "__main__":
    network, seed, file = sys.argv[1:]
    keras.utils.set_random_seed(1)
    x, _ = kae.datasets.load("digits", split="train[:500]")
    model = kae.models.VAE(network, network, latent_dim=4, seed=int(seed))
    model.compile(optimizer="adam")
    model.fit(x, epochs=2, verbose=0)
    np.savez(file, *model.get_weights(), *[np.array(variable) for variable in model.optimizer_variables])
