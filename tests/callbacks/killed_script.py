"""Trains a model on digits with backups, as a script of a user's would, and writes its weights and its history.

killed_script.py BACKUPS
"""

import json
import pathlib
import sys

import keras
import numpy as np

import keras_ae as kae

if __name__ == "__main__":
    keras.utils.set_random_seed(1)
    x, _ = kae.datasets.load("digits", split="train[:400]")
    model = kae.models.VAE("mlp", "mlp", latent_dim=2, seed=3)
    model.compile(optimizer="adam")
    backup = kae.callbacks.BackupAndRestore(sys.argv[1])
    history = model.fit(x, epochs=60, validation_split=0.1, verbose=0, callbacks=[backup]).history
    np.savez("weights.npz", *model.get_weights(), *[np.array(variable) for variable in model.optimizer_variables])
    pathlib.Path("history.json").write_text(json.dumps(history))
