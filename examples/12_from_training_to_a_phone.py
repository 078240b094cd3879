"""From training to a phone: the decoder as a file that LiteRT runs without TensorFlow, Keras or keras_ae.

Ends the lecture: a model that was trained on a computer generates on a device. One seed gives the same picture on both.
"""

import argparse
import textwrap
import time
from pathlib import Path

import keras
import numpy as np
from ai_edge_litert.interpreter import Interpreter

import keras_ae as kae

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--dataset", choices=["strokes", "mnist"], default="strokes", help="strokes needs no download")
parser.add_argument("--short", action="store_true", help="run in seconds, without meaningful numbers")
parser.add_argument("--out", type=Path, default=Path("runs/lecture/12"))
arguments = parser.parse_args()
num, epochs = (600, 1) if arguments.short else (20_000, 20)

x, y = kae.datasets.load(arguments.dataset, f"train[:{num}]")
keras.utils.set_random_seed(0)
model = kae.models.ConditionalVAE(latent_dim=8, condition=kae.Categorical(10))
model.compile(keras.optimizers.Adam(1e-3))
model.fit(x, y["digit"] if isinstance(y, dict) else y, epochs=epochs, verbose=0)
cards = {
    "float32": kae.export.litert(model, arguments.out / "cvae.tflite", batch_size=10),
    "int8 weights": kae.export.litert(model, arguments.out / "cvae_int8.tflite", batch_size=10, quantize="dynamic"),
}

# From here on, what the device does.
rows, errors, times = {"Keras": model.sample(10, range(10), seed=7).numpy()}, {}, {}
for name, card in cards.items():
    generate = Interpreter(str(card.path)).get_signature_runner("generate")
    one = {"seed": np.array([7], np.int32), "row": np.array([0], np.int32), "condition": np.arange(10, dtype=np.int32)}
    rows[name] = generate(**one)["x"]
    start = time.perf_counter()
    for _ in range(100):
        generate(**one)
    times[name] = 1e4 * (time.perf_counter() - start)  # microseconds for ten digits
    errors[name] = float(np.abs(rows[name] - rows["Keras"]).max())
figure = kae.explore.image_grid(np.stack(list(rows.values())), row_labels=list(rows), title="One seed, one picture")
print(kae.explore.save(figure, arguments.out / "digits.png"))

sizes = {name: card.bytes["total"] / 1000 for name, card in cards.items()}
print(
    textwrap.fill(
        "digits.png shows ten digits of one seed, from Keras and from two files for a device, which were verified "
        f"when they were written. The file of {sizes['float32']:.0f} kB differs from Keras by "
        f"{errors['float32']:.0e} at most, the one with weights of 8 bits has {sizes['int8 weights']:.0f} kB and "
        f"differs by {errors['int8 weights']:.2f}. Ten digits take {times['float32']:.0f} and "
        f"{times['int8 weights']:.0f} microseconds on this machine. What surprised: the random numbers are part of "
        "the file, so a seed is enough to get this very picture on any device, and no code is sent.",
        100,
    )
)
