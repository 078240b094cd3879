"""Loads whole data sets as arrays."""

from keras_ae.datasets.binarization import binarize as binarize_array
from keras_ae.datasets.binarization import check_binarization_seed, check_mode
from keras_ae.datasets.opening import open_source


def load(name, split="train", *, binarize=None, seed=0, download=False, image_size=None, channels=None):
    """Loads a data set as arrays.

    Args:
        name: "digits", "strokes", any image set of TFDS ("mnist", "emnist/letters"), or the path of a folder of images,
            a `.npy`, a `.npz`, a `.csv` (also `.csv.gz`, `.csv.bz2`, `.csv.xz`) or a `.parquet`. An existing path takes
            precedence. Tables hold numbers; a column `label` may hold names, which become sorted class indices:
            `info(path).class_names`. A pandas index that counts the rows from 0 is dropped.
        split: a split in TFDS syntax: "train", "test[:1000]", "train[:90%]", "train+test". Files have only "train".
        binarize: `None`, or "fixed" for `binarize(x, seed)`.
        seed: seed of the binarization, an integer in [0, 2**32).
        download: whether a missing TFDS data set may be downloaded.
        image_size: (H, W) to resize the images of a folder or of TFDS to.
        channels: 1 or 3 for the images of a folder; `None` for 1 if all are gray.

    Returns:
        (x, y). x is float32: images [N, H, W, C] in [0, 1], or vectors [N, D]. y is int32 [N], with -1 for unknown
        labels; a dict of arrays for data sets with several properties, such as "strokes"; or `None`.

    Raises:
        ValueError: for an invalid name, split, file or value; the message names the file and the index.
        FileNotFoundError: for a missing file or TFDS data set; the message says what to run.

    Example:
        >>> x, y = load("digits", "test")
        >>> x.shape, y.shape
        ((360, 8, 8, 1), (360,))
    """
    check_mode(binarize, allowed=(None, "fixed"))
    check_binarization_seed(seed)
    x, y = open_source(name, download=download, image_size=image_size, channels=channels).load(split)
    return (x if binarize is None else binarize_array(x, seed)), y
