"""Every figure against a small picture of it; `python tests/explore/test_reference_pictures.py [NAME ...]` draws these.

Releases of matplotlib and of fonts place and smooth glyphs and lines a little differently. Means of blocks of 8 x 8
pixels hide that; what is missing, moved or of another color by more than a line's width shows.
"""

import pathlib
import sys

import numpy as np
import pytest
from PIL import Image

import keras_ae as kae

if __name__ == "__main__":  # pytest finds it by its own path
    sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from linear_vae import linear_vae
from tiers import every_second

REFERENCES = pathlib.Path(__file__).parent / "references"
BLOCK, MOST, MEAN = 8, 40, 3  # of 255 levels: largest and mean difference of blocks


def digits_of_sklearn():
    from sklearn.datasets import load_digits

    data = load_digits()
    return (data.images / 16).astype(np.float32)[..., np.newaxis], data.target.astype(np.int32)


def gallery_kinds():
    """{name: function that draws it}, of everything that a gallery has, and the rest by hand."""
    x, labels = digits_of_sklearn()
    train, x, train_labels, labels = x[:600], x[600:800], labels[:600], labels[600:800]
    rng = np.random.default_rng(0)
    slant = np.linspace(-1, 1, 600).astype(np.float32)
    plain, given = linear_vae(train), linear_vae(train, labels=train_labels)
    mixed = linear_vae(train, labels=train_labels, slant=slant)
    history = {"loss": [3.0, 2.0, 1.5, 1.4], "val_loss": [3.1, 2.2, 1.8, 1.7]}
    step = np.linspace(0, 6, 40)
    sequences = np.sin(step + rng.uniform(0, 1, (200, 1)))[..., np.newaxis] * [1.0, 0.5]
    table = rng.normal(size=(200, 2)) @ [[1.0, 2.0, 0.5, 0.0], [0.0, 1.0, -1.0, 2.0]]
    grid = np.linspace(-1, 1, 9)
    distance = np.sqrt(sum(axis**2 for axis in np.meshgrid(grid, grid, grid, indexing="ij")))
    volumes = np.exp(-(((distance - rng.uniform(0.3, 0.8, (60, 1, 1, 1))) / 0.2) ** 2))[..., np.newaxis]

    def one(kind, model=plain, examples=x, **options):
        options = {"labels": labels if len(examples) == len(labels) else None, **options}
        return lambda: kae.explore.gallery(model, history, examples, kinds=[kind], **options)[kind]

    names = {"label_name": "digit", "condition_name": "digit"}
    found = {
        kind: one(kind, training=(train, None), **names)
        for kind in (
            "training", "reconstructions", "map", "samples", "manifold", "map_density", "map_unlabeled",
            "map_thumbnails", "traversal", "interpolation", "attributes", "clusters", "contrast",
        )
    }  # fmt: skip
    # The default score sums ranks, which move by a place where a processor rounds otherwise.
    detector = kae.outliers.OutlierDetector(plain, scoring="reconstruction", random_state=0).fit(train)
    found["outlier_scores"] = lambda: kae.explore.outlier_scores(detector, -detector.score_samples(x))
    found["outliers"] = lambda: kae.explore.outlier_examples(detector, x, train)
    for kind in ("samples_by_condition", "planes"):
        found[kind] = one(kind, given, condition=labels, training=(train, train_labels), **names)
    found["sweep"] = one("sweep", mixed, condition={"digit": labels, "slant": np.resize(slant, 200)})
    found["bands"] = one("bands", linear_vae(sequences), sequences.astype(np.float32), labels=None)
    for kind in ("parallel", "pairs"):
        found[kind] = one(kind, linear_vae(table), table.astype(np.float32), labels=None)
    found["volumes"] = one("volumes", linear_vae(volumes), volumes.astype(np.float32), labels=None)
    sources = kae.explore.sample_sources(plain, train, x, num=8, searches=8, steps=0)
    found["sources"] = lambda: kae.explore.sample_sources_figure(sources, train)
    found["learning"] = lambda: kae.explore.learning(x[:6], {0: 0 * x[:6] + 0.5, 100: plain.reconstruct(x[:6])})
    found["dark"] = lambda: kae.explore.themed(found["map_density"](), "dark")
    return found


@pytest.fixture(scope="module")
def figures():
    return gallery_kinds()


def picture(figure, path):
    """The figure at 40 dots per inch."""
    figure.set_dpi(40)
    figure.savefig(path, dpi=40, facecolor=figure.get_facecolor())
    return Image.open(path).convert("RGB")


def blocks(image):
    width, height = (side // BLOCK for side in image.size)
    pixels = np.asarray(image, np.float64)[: height * BLOCK, : width * BLOCK]
    return pixels.reshape(height, BLOCK, width, BLOCK, 3).mean(axis=(1, 3))


NAMES = every_second([*kae.explore.KINDS, "dark"])


@pytest.mark.parametrize("name", NAMES)
def test_figure_looks_like_its_reference(figures, name, tmp_path):
    drawn = picture(figures[name](), tmp_path / "drawn.png")
    with Image.open(REFERENCES / f"{name}.png") as stored:
        expected = stored.convert("RGB")
    assert np.abs(np.subtract(drawn.size, expected.size)).max() <= 2
    size = tuple(np.minimum(drawn.size, expected.size))
    differences = np.abs(blocks(drawn.crop((0, 0, *size))) - blocks(expected.crop((0, 0, *size))))
    assert differences.mean() < MEAN and differences.max() < MOST


if __name__ == "__main__":
    REFERENCES.mkdir(exist_ok=True)
    for name, draw in gallery_kinds().items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        path = REFERENCES / f"{name}.png"
        picture(draw(), path).quantize(48).save(path, optimize=True)
        print(path.name, path.stat().st_size)
