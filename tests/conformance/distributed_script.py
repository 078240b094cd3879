"""Trains models of the table on two logical CPU devices, and writes the losses of each as JSON.

distributed_script.py FILE NAME...
"""

import json
import pathlib
import sys

from subjects import TABLE, X, make, shown, to_learn

import keras_ae as kae

if __name__ == "__main__":
    losses, strategy = {}, kae.devices.strategy(2)
    for name in sys.argv[2:]:
        with strategy.scope():
            model, values = make(name, TABLE[name].conditions[0], jit_compile=False)
        history = model.fit(X, to_learn(name, values), epochs=18, batch_size=48, verbose=0).history
        losses[name] = history[shown(model)]
    pathlib.Path(sys.argv[1]).write_text(json.dumps(losses))
