import io

import numpy as np
import pytest
from rich.console import Console

import keras_ae as kae
from keras_ae.models import GaussianMixtureVAE, ParametricTSNE, SemiSupervisedVAE
from keras_ae.networks import MLP
from keras_ae.training.progress import ProgressBar

X = np.random.default_rng(0).random([40, 4, 4, 1], np.float32)
Y = np.arange(40) % 2


def mixture(**options):
    small = {"encoder": MLP((8,)), "decoder": MLP((8,)), "latent_dim": 2, "components": 2, "pretraining_epochs": 1}
    return GaussianMixtureVAE(**small, **options)


def semi_supervised():
    small = {"encoder": MLP((8,)), "decoder": MLP((8,)), "classifier": MLP((8,)), "latent_dim": 2}
    return SemiSupervisedVAE(**small, condition=kae.conditions.Categorical(2), classifier_epochs=1)


def parametric_tsne():
    return ParametricTSNE(MLP((8,)), MLP((8,)), num_landmarks=10)


MODELS = {
    "finding the clusters": (mixture, (X,)),
    "training the classifier": (semi_supervised, (X, Y)),
    "making the t-SNE map": (parametric_tsne, (X,)),
}


def progress(purpose, *, terminal):
    make, data = MODELS[purpose]
    model = make()
    model.compile()
    console = Console(file=io.StringIO(), force_terminal=terminal, width=200)
    for _ in range(2):
        model.fit(*data, epochs=2, verbose=0, callbacks=[ProgressBar("model", console)])
    return console.file.getvalue()


@pytest.mark.parametrize("purpose", MODELS)
def test_a_line_says_what_is_trained_before_an_epoch_once_in_the_life_of_a_model(purpose):
    assert progress(purpose, terminal=False).count(f"model  {purpose}\n") == 1


def test_a_bar_says_what_is_trained_before_an_epoch():
    assert "making the t-SNE map" in progress("making the t-SNE map", terminal=True)
