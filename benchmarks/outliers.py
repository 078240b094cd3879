"""The default outlier detector against PyOD's, side by side: python benchmarks/outliers.py --seeds 0 1 2

Images of MNIST (from TFDS) and of `strokes`, changed in ways that a person would notice; digits of one class against
the rest; tables of scikit-learn. Every detector has its defaults, and sees no outlier. The numbers are areas under the
ROC curve, medians over seeds.

    python benchmarks/outliers.py --tasks speed

measures the default detector's speed on MNIST: in Python, and of one image in LiteRT beside its reconstruction.
"""

import argparse
import json
import pathlib
import tempfile
import time

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.metrics import roc_auc_score

import keras_ae as kae
from keras_ae.io.writing import replacing


def changed(x, rng):
    """Outliers made from images [N, 28, 28, 1] in [0, 1]: {name: images}."""
    blurred = sum(np.roll(x, (i, j), axis=(1, 2)) for i in (-2, -1, 0, 1, 2) for j in (-2, -1, 0, 1, 2)) / 25
    pixel = x.copy()
    pixel[np.arange(len(x)), rng.integers(2, size=len(x)) * 27, rng.integers(28, size=len(x)), 0] = 1.0
    return {
        "mirrored": x[:, :, ::-1],
        "upside down": x[:, ::-1],
        "inverted": 1.0 - x,
        "blurred": blurred,
        "noisy": np.clip(x + rng.normal(0.0, 0.2, x.shape), 0.0, 1.0),
        "blank": np.zeros_like(x),
        "constant gray": np.full_like(x, 0.5),
        "one bright pixel": pixel,
    }


def textured(x, rng):
    """Images on a ground of random stripes."""
    rows, columns = np.meshgrid(np.arange(28), np.arange(28), indexing="ij")
    angle, width, phase = (rng.random([len(x), 1, 1]) for _ in range(3))
    wave = np.cos(np.pi * angle) * rows + np.sin(np.pi * angle) * columns
    stripes = 0.3 + 0.3 * np.sin(2 * np.pi * (wave / (3.0 + 5.0 * width) + phase))
    return np.maximum(x, stripes[..., np.newaxis]).astype(np.float32)


def image_tasks(num_training, num_test):
    """Yields (task, training images, usual test images, {name: outliers})."""
    rng = np.random.default_rng(0)
    mnist, _ = kae.datasets.load("mnist", split="train")
    mnist_test, _ = kae.datasets.load("mnist", split="test")
    strokes, _ = kae.datasets.load("strokes", split="train")
    strokes_test, _ = kae.datasets.load("strokes", split="test")
    mnist, strokes = mnist[:num_training], strokes[:num_training]
    mnist_test, strokes_test = mnist_test[:num_test], strokes_test[:num_test]
    yield "MNIST", mnist, mnist_test, {**changed(mnist_test, rng), "strokes": strokes_test}
    yield "strokes", strokes, strokes_test, {"MNIST": mnist_test}
    ground = textured(strokes_test, rng)
    yield "textured strokes", textured(strokes, rng), ground, {"plain strokes": strokes_test, "MNIST": mnist_test}


def one_class_tasks(num_test):
    """Yields one task a digit of MNIST: its training images, its test images, all other test images."""
    x, labels = kae.datasets.load("mnist", split="train")
    test, test_labels = kae.datasets.load("mnist", split="test")
    for digit in range(10):
        rest = test[test_labels != digit][:num_test]
        yield f"only {digit}", x[labels == digit], test[test_labels == digit], {"rest": rest}


def table_tasks():
    """Yields tables: one class of a data set is usual, 80 % of it to train on; the others are outliers."""
    rng = np.random.default_rng(0)
    for name, data, usual in (
        ("breast cancer", load_breast_cancer(), 1),
        ("wine", load_wine(), 1),
        ("digits, flattened", load_digits(), 0),
    ):
        rows = rng.permutation(np.flatnonzero(data.target == usual))
        cut = int(0.8 * len(rows))
        rest = data.data[data.target != usual]
        yield name, data.data[rows[:cut]], data.data[rows[cut:]], {"other classes": rest}


def contestants(names, seed):
    """Yields (name, function of training rows to a function of rows to scores)."""
    if "keras_ae" in names:
        yield "keras_ae", lambda x: _ours(x, seed)
    if names == ["keras_ae"]:
        return
    from pyod.models.auto_encoder import AutoEncoder
    from pyod.models.ecod import ECOD
    from pyod.models.iforest import IForest
    from pyod.models.knn import KNN
    from pyod.models.lof import LOF
    from pyod.models.vae import VAE

    peers = {
        "IForest": lambda: IForest(random_state=seed),
        "ECOD": ECOD,
        "LOF": LOF,
        "KNN": KNN,
        "AutoEncoder": lambda: AutoEncoder(random_state=seed, verbose=0),
        "VAE": lambda: VAE(random_state=seed, verbose=0),
    }
    for name, make in peers.items():
        if name in names:
            yield name, lambda x, make=make: _peer(make(), x)


def _ours(x, seed):
    detector = kae.outliers.OutlierDetector(random_state=seed).fit(x)
    return lambda x: -detector.score_samples(x)


def _peer(detector, x):
    detector.fit(x.reshape(len(x), -1))
    return lambda x: detector.decision_function(x.reshape(len(x), -1))


def print_speed(rounds=7):
    """Prints the scores a second in Python, and what a score costs in LiteRT, on one thread, beside `reconstruct`."""
    from ai_edge_litert.interpreter import Interpreter

    x, _ = kae.datasets.load("mnist", split="train")
    detector = kae.outliers.OutlierDetector(random_state=0, epochs=1).fit(x)  # longer training takes as long to score
    detector.score_samples(x[:500])  # warm
    start = time.process_time()
    seconds = [_seconds(lambda: detector.score_samples(x)) for _ in range(rounds)]
    used = (time.process_time() - start) / rounds
    print(
        f"Python, {len(x)} images, median of {rounds}: {len(x) / np.median(seconds):,.0f} scores a second, and "
        f"{len(x) / used:,.0f} for each second of one core"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "detector.tflite"
        kae.export.litert(detector, path, signatures=("reconstruct", "score"))
        interpreter = Interpreter(str(path), num_threads=1)
    runners = {name: interpreter.get_signature_runner(name) for name in ("reconstruct", "score")}
    times = {name: [] for name in runners}
    for row in range(2000):
        for name, runner in runners.items():
            times[name].append(_seconds(lambda runner=runner, row=row: runner(x=x[row : row + 1])))
    reconstruct, score = (1e6 * np.median(times[name]) for name in ("reconstruct", "score"))
    print(f"LiteRT, one image: score {score:.0f} us, reconstruct {reconstruct:.0f} us, {score / reconstruct:.2f} times")


def _seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--tasks", nargs="+", default=["images", "one-class", "tables"])
    parser.add_argument(
        "--contestants",
        nargs="+",
        default=["keras_ae", "IForest", "ECOD", "LOF", "KNN", "AutoEncoder", "VAE"],
    )
    parser.add_argument("--training", type=int, default=60_000, help="images to train on, at most")
    parser.add_argument("--test", type=int, default=2000, help="usual images, and outliers of each kind, at most")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("outliers.json"))
    given = parser.parse_args()
    if given.tasks == ["speed"]:
        print_speed()
        return
    done = json.loads(given.out.read_text()) if given.out.is_file() else {}
    kinds = {
        "images": lambda: image_tasks(given.training, given.test),
        "one-class": lambda: one_class_tasks(given.test),
        "tables": table_tasks,
    }
    for kind in given.tasks:
        for task, training, usual, outliers in kinds[kind]():
            for seed in given.seeds:
                for name, fit in contestants(given.contestants, seed):
                    key = f"{task}|{name}|{seed}"
                    if key not in done:
                        done[key] = _measured(fit, training, usual, outliers)
                        with replacing(given.out) as temporary:
                            temporary.write_text(json.dumps(done, indent=1))
                    print(key, done[key], flush=True)
    _print_table(done)


def _measured(fit, training, usual, outliers):
    start = time.perf_counter()
    score = fit(training)
    seconds, scores = time.perf_counter() - start, score(usual)
    found = {"fit_seconds": round(seconds, 1)}
    for name, each in outliers.items():
        strange = score(each)
        labels = np.arange(len(scores) + len(strange)) >= len(scores)
        found[name] = round(float(roc_auc_score(labels, np.concatenate([scores, strange]))), 4)
    return found


def _print_table(done):
    names = list(dict.fromkeys(key.split("|")[1] for key in done))
    print(f"\n| Trained on | Outliers | {' | '.join(names)} |\n|---|---|{'---:|' * len(names)}")
    rows = {}
    for key, found in done.items():
        task, name, _ = key.split("|")
        for outliers, value in found.items():
            if outliers != "fit_seconds":
                rows.setdefault((task, outliers), {}).setdefault(name, []).append(value)
    for (task, outliers), row in rows.items():
        cells = [f"{np.median(row[name]):.3f}" if name in row else "" for name in names]
        print(f"| {task} | {outliers} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
