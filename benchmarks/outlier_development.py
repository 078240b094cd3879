"""Compares trainings of the default outlier detector on training images of MNIST, with other outliers than outliers.py.

    python benchmarks/outlier_development.py --only default "80 epochs, averaged" --seeds 0 1

The detector learns the first 40,000 training images. Usual images are 2,000 of the last 10,000, and the outliers are
2,000 others of these, changed in 20 ways, or in 16 ways into other shapes. It prints the mean AUROC over the ways and
over the shapes, and the AUROC of each. No choice may be made with test data, so this is where to try changes of the
detector.
"""

import argparse
import io

import keras
import numpy as np
from PIL import Image
from scipy import ndimage
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

import keras_ae as kae
from keras_ae.outliers.default_model import choose_model

NUM = 2000


def _cosine(rate, num, batch_size, epochs):
    return keras.optimizers.schedules.CosineDecay(rate, -(-num // batch_size) * epochs)


def _elbo(beta):
    return keras.saving.serialize_keras_object(kae.objectives.ELBO(beta=beta))


TRAININGS = {  # changes of the default model, epochs, batch size, and an optimizer for a number of examples
    "default": ({}, 40, 128, lambda num: keras.optimizers.Adam(1e-3)),
    "80 epochs": ({}, 80, 128, lambda num: keras.optimizers.Adam(1e-3)),
    "80 epochs, averaged": ({}, 80, 128, lambda num: keras.optimizers.Adam(1e-3, use_ema=True, ema_momentum=0.999)),
    "muon": ({}, 40, 512, lambda num: keras.optimizers.Muon(_cosine(0.02, num, 512, 40))),
    "vamp": ({"prior": "vamp"}, 40, 128, lambda num: keras.optimizers.Adam(1e-3)),
    "beta 0.5": ({"objective": _elbo(0.5)}, 40, 128, lambda num: keras.optimizers.Adam(1e-3)),
    "beta 2": ({"objective": _elbo(2.0)}, 40, 128, lambda num: keras.optimizers.Adam(1e-3)),
}


class Detector(kae.outliers.OutlierDetector):
    """The default detector with another training."""

    def __init__(self, training="default", random_state=None):
        super().__init__(random_state=random_state)
        self.training = training

    def _trained(self, x, seed):
        changes, epochs, batch_size, optimizer = TRAININGS[self.training]
        model, scaling = choose_model(x, seed)
        for name, change in changes.items():
            model = kae.models.VAE.from_config({**model.get_config(), name: change})
        model.compile(optimizer(len(x)))
        model.fit(scaling(x), batch_size=batch_size, epochs=epochs, verbose=0)
        return model, scaling


def changed(images, rng):
    """{way: images [N, 28, 28, 1]}: the changes of images [N, 28, 28]."""

    def each(function):
        return np.stack([function(image) for image in images])

    order = rng.permutation(16)
    found = {
        "rotated": np.rot90(images, axes=(1, 2)),
        "halves swapped": np.concatenate([images[:, 14:], images[:, :14]], axis=1),
        "halves of two": np.concatenate([images[:, :14], np.roll(images, 1, axis=0)[:, 14:]], axis=1),
        "patches in another order": each(lambda image: _patches(image, order)),
        "shifted": each(lambda image: ndimage.shift(image, _SHIFTS[rng.integers(4)], order=0)),
        "thresholded": images > 0.5,
        "dimmed": 0.6 * images,
        "thicker": each(lambda image: ndimage.grey_dilation(image, (2, 2))),
        "thinner": each(lambda image: ndimage.grey_erosion(image, (2, 2))),
        "gray dot": each(lambda image: _at_least(image, rng.integers(2, 25, 2), (2, 2), 0.5)),
        "gray line": each(lambda image: _at_least(image, (rng.integers(3, 25), 0), (1, 28), 0.4)),
        "8x8 digits": np.pad(_enlarged(rng), ((0, 0), (4, 4), (4, 4))),
        "JPEG, quality 30": each(_jpeg),
        "gamma 0.6": images**0.6,
        "gamma 1.6": images**1.6,
        "zoomed to 16 pixels and back": each(lambda image: _zoomed(image, 16)),
        "zoomed to 22 pixels and back": each(lambda image: _zoomed(image, 22)),
        "4 gray levels": np.round(3 * images) / 3,
        "median filter": each(lambda image: ndimage.median_filter(image, 3)),
        "sharpened": each(lambda image: 1.7 * image - 0.7 * ndimage.gaussian_filter(image, 1)),
    }
    return _as_examples(found)


def other_shapes(images):
    """{way: images [N, 28, 28, 1]}: images [N, 28, 28] changed into other shapes, drawn with the same strokes."""
    left, top, bottom, others = images[:, :, :14], images[:, :14], images[:, 14:], np.roll(images, 1, axis=0)
    hole = np.ones([28, 28])
    hole[10:18, 10:18] = 0.0

    def warped(matrix):
        shift = 13.5 - np.asarray(matrix) @ [13.5, 13.5]
        return np.stack([ndimage.affine_transform(image, matrix, shift, order=1) for image in images])

    found = {
        "transposed": images.transpose(0, 2, 1),
        "rotated by 45 degrees": ndimage.rotate(images, 45, (1, 2), reshape=False, order=1),
        "rotated by -45 degrees": ndimage.rotate(images, -45, (1, 2), reshape=False, order=1),
        "left mirrored to the right": np.concatenate([left, left[:, :, ::-1]], axis=2),
        "top mirrored to the bottom": np.concatenate([top, top[:, ::-1]], axis=1),
        "left and right of two": np.concatenate([left, others[:, :, 14:]], axis=2),
        "sheared": warped([[1, 0], [0.7, 1]]),
        "sheared back": warped([[1, 0], [-0.7, 1]]),
        "narrow": warped([[1, 0], [0, 1.7]]),
        "flat": warped([[1.7, 0], [0, 1]]),
        "two at once": np.maximum(images, others),
        "top mirrored": np.concatenate([top[:, :, ::-1], bottom], axis=1),
        "bottom mirrored": np.concatenate([top, bottom[:, :, ::-1]], axis=1),
        "mean of two": (images + others) / 2,
        "hole": images * hole,
        "without top": np.concatenate([np.zeros_like(images[:, :10]), images[:, 10:]], axis=1),
    }
    return _as_examples(found)


def _as_examples(found):
    return {way: np.clip(each, 0, 1)[..., np.newaxis].astype(np.float32) for way, each in found.items()}


_SHIFTS = ((5, 0), (-5, 0), (0, 5), (0, -5))


def _patches(image, order):
    patches = image.reshape(4, 7, 4, 7).swapaxes(1, 2).reshape(16, 7, 7)[order]
    return patches.reshape(4, 4, 7, 7).swapaxes(1, 2).reshape(28, 28)


def _at_least(image, corner, size, level):
    place = tuple(slice(start, start + length) for start, length in zip(corner, size, strict=True))
    image = image.copy()
    image[place] = np.maximum(image[place], level)
    return image


def _enlarged(rng):
    digits = load_digits().images / 16.0
    return np.stack([ndimage.zoom(image, 2.5, order=1) for image in digits[rng.permutation(len(digits))]])


def _jpeg(image):
    buffer = io.BytesIO()
    _picture(image).save(buffer, "JPEG", quality=30)
    return np.asarray(Image.open(buffer), np.float32) / 255


def _zoomed(image, size):
    small = _picture(image).resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(small.resize((28, 28), Image.Resampling.BILINEAR), np.float32) / 255


def _picture(image):
    return Image.fromarray(np.uint8(np.round(255 * image)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=TRAININGS, default=list(TRAININGS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    given = parser.parse_args()
    x = kae.datasets.load("mnist", split="train")[0]
    usual, others = x[50_000 : 50_000 + NUM], x[50_000 + NUM : 50_000 + 2 * NUM, ..., 0]
    ways, shapes = changed(others, np.random.default_rng(0)), other_shapes(others)
    for training in given.only:
        for seed in given.seeds:
            detector = Detector(training, random_state=seed).fit(x[:40_000])
            scores = detector.score_samples(usual)
            found = {}
            for way, images in {**ways, **shapes}.items():
                both = np.concatenate([scores, detector.score_samples(images)])
                found[way] = roc_auc_score(np.arange(len(both)) < len(scores), both)
            means = [np.mean([found[way] for way in kinds]) for kinds in (ways, shapes)]
            each = "  ".join(f"{way} {value:.4f}" for way, value in found.items())
            print(f"{training}, seed {seed}: mean {means[0]:.4f}, of shapes {means[1]:.4f}  {each}", flush=True)


if __name__ == "__main__":
    main()
