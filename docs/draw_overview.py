"""Draws the picture of the README, in about two minutes on 2 cores and without any download."""

from pathlib import Path

import keras
from matplotlib.figure import Figure

import keras_ae as kae

EPOCHS, NUM = 20, 30_000


def train(model, x, condition=None):
    steps = EPOCHS * -(-len(x) // 128)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(3e-3, steps)))
    model.fit(x, condition, epochs=EPOCHS, verbose=2)
    return model


keras.utils.set_random_seed(0)
x, properties = kae.datasets.load("strokes", f"train[:{NUM}]")
x_test, test_properties = kae.datasets.load("strokes", "test[:3000]")
digit = properties["digit"]

cvae = train(kae.models.ConditionalVAE(latent_dim=12, condition=kae.Categorical(10)), x, digit)
vae = train(kae.models.VAE(latent_dim=2), x)

styles = cvae.decode_each(cvae.sample_codes(12, 0, seed=4), range(10)).numpy().swapaxes(0, 1)  # [10, 12, 28, 28, 1]
codes = vae.encode(x_test).numpy()
panels = {
    "one style a column, one digit a row": kae.explore.tile(styles),
    "the plane of codes, decoded": kae.explore.tile(kae.explore.manifold(vae, steps=14)),
}

figure = Figure(figsize=(13, 4.2), dpi=110, facecolor="white")
axes = figure.subplots(1, 3, width_ratios=[1.2, 1.0, 1.0])
for place, (title, picture) in zip(axes, panels.items(), strict=False):
    place.imshow(picture[..., 0], cmap="gray", interpolation="nearest")
    place.set_title(title, fontsize=11)
    place.set_axis_off()
axes[2].set_title("the codes of 3,000 test digits", fontsize=11)
for label in range(10):
    of_label = codes[test_properties["digit"] == label]
    axes[2].scatter(*of_label.T, s=4, color=f"C{label}", label=str(label))
axes[2].set_aspect("equal")
axes[2].legend(title="digit", markerscale=3, fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
axes[2].tick_params(labelsize=8)
figure.tight_layout()
print(kae.explore.save(figure, Path(__file__).parent / "images" / "overview.png"))
