"""The main job on real data: train, generate, export, and let an independent classifier read the result."""

import numpy as np
import pytest
import tensorflow_datasets as tfds
from typer.testing import CliRunner

import keras_ae as kae
from keras_ae.cli.app import app


def _has_mnist():
    return tfds.builder("mnist").is_prepared()


@pytest.mark.skipif(not _has_mnist(), reason="TFDS has no MNIST here; set TFDS_DATA_DIR to a folder that has")
@pytest.mark.slow
def test_classifier_reads_generated_digits_as_asked(tmp_path):
    def keras_ae(*arguments):
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert result.exit_code == 0, result.output

    run = tmp_path / "cvae"
    keras_ae("train", "cvae", "--dataset", "mnist", "--epochs", 10, "--out", run)
    keras_ae("generate", run, "--condition", 7, "--num", 64, "--out", tmp_path / "sevens.png")
    keras_ae("export", "saved-model", run, tmp_path / "models" / "cvae")
    keras_ae("export", "litert", run, tmp_path / "cvae.tflite")
    assert (tmp_path / "sevens.png").stat().st_size > 1000

    x, labels = kae.datasets.load("mnist", "train")
    classifier = kae.evaluate.train_classifier(x, labels, epochs=2)
    accuracy = classifier.evaluate(*kae.datasets.load("mnist", "test"), verbose=0)[1]
    report = kae.evaluate.conditional_accuracy(kae.load(run / "model.keras"), classifier, num_per_class=100)
    print(f"\nThe classifier reads {accuracy:.1%} of the real test digits.\n{report}")
    assert accuracy > 0.97
    assert report.accuracy >= 0.95
    assert np.min(report.per_class) >= 0.8
