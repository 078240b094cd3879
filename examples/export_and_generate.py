"""A decoder leaves for a device: a file that LiteRT runs without TensorFlow, Keras or keras_ae.

Closes the lecture's circle: what was learned on a computer generates on a phone. One seed gives one picture, here and
there; the script compares the two.
"""

import argparse
from pathlib import Path

import keras
import numpy as np
from ai_edge_litert.interpreter import Interpreter

import keras_ae as kae

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--epochs", type=int, default=40)
parser.add_argument("--out", type=Path, default=Path("runs/examples/export_and_generate"))
arguments = parser.parse_args()

x, labels = kae.datasets.load("digits", "train")  # 8x8 digits, no download
keras.utils.set_random_seed(0)
model = kae.models.ConditionalVAE(latent_dim=8, condition=kae.Categorical(10), likelihood=kae.likelihoods.Normal(0.2))
model.compile(keras.optimizers.Adam(2e-3))
model.fit(x, labels, batch_size=64, epochs=arguments.epochs, verbose=2)
card = kae.export.litert(model, arguments.out / "cvae.tflite", batch_size=10)
print(f"{card.path}: {card.bytes['total']:,} bytes, verified: {card.verified}")

# From here on, what the device does.
generate = Interpreter(str(card.path)).get_signature_runner("generate")
one = {"seed": np.array([7], np.int32), "row": np.array([0], np.int32)}
images = generate(**one, condition=np.arange(10, dtype=np.int32))["x"]

print("largest difference to Keras:", np.abs(images - model.sample(10, range(10), seed=7)).max())
figure = kae.explore.image_grid(images, columns=10, title="Ten digits from the decoder of a device")
print(kae.explore.save(figure, arguments.out / "digits.png"))
