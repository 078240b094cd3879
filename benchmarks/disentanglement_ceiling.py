"""How well an encoder that learns the true factors of strokes does in the metrics of disentanglement.

    python benchmarks/disentanglement_ceiling.py        # about 5 minutes on 2 cores

A classifier of the digit and a network that measures slant, thickness, size and rotation learn from 30,000 labeled
images. What they say of the 10,000 test images is a code of five dimensions, one per factor. An image does not
determine all of its factors: a straight one may be slanted or turned, and a narrow digit may be small. So even this
encoder is far from 1 in metrics that count information, and no encoder without labels can be expected to do better.
"""

import argparse

import numpy as np
from side_by_side.machine import cores, machine, processors

import keras_ae as kae
from keras_ae.evaluate import train_classifier
from keras_ae.evaluate.disentanglement import dci, factor_vae_score, mutual_information_gap
from keras_ae.evaluate.regressor import train_regressor

MEASURED = ("slant", "thickness", "size", "rotation")


def factors(split):
    """Returns images and their factors."""
    x, properties = kae.datasets.load("strokes", split=split)
    return x, {name: properties[name] for name in ("digit", *MEASURED)}


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", default="train[:30000]", help="split to train on")
    parser.add_argument("--test", default="test", help="split to measure on")
    parser.add_argument("--epochs", type=int, default=5)
    given = parser.parse_args(arguments)
    x, known = factors(given.train)
    classifier = train_classifier(x, known["digit"], epochs=given.epochs)
    values = np.stack([known[name] for name in MEASURED], axis=1)
    regressor = train_regressor(x, values, np.eye(10)[known["digit"]], blur=0.0, epochs=given.epochs)
    x, true = factors(given.test)
    digit = classifier.predict(x, batch_size=500, verbose=0).argmax(axis=1)
    # The properties that it is given are not used for the measurement without them.
    measured, _ = regressor.measure(x, np.tile(regressor.loc, [len(x), 1]), np.eye(10)[digit])
    codes = np.concatenate([digit[:, np.newaxis], measured], axis=1)
    gap = mutual_information_gap(codes, true)
    print(f"strokes, {given.train} and {given.test}, {given.epochs} epochs, seed 0; {processors(machine(cores()))}")
    print(f"digit right {np.mean(digit == true['digit']):.4f}")
    print(f"mutual information gap {gap:.3f}")
    print(f"DCI disentanglement {dci(codes, true).disentanglement:.3f}")
    print(f"FactorVAE score {factor_vae_score(codes, true):.3f}")


if __name__ == "__main__":
    main()
