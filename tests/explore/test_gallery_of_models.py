"""All figures that a gallery says suit a model can be drawn, for every model and condition."""

import keras
import numpy as np
import pytest
from subjects import CONDITIONS, LABELS, PAIRS, TABLE, make, prepare

import keras_ae as kae

RNG = np.random.default_rng(0)
IMAGES = RNG.random((48, 8, 8, 1)).astype("float32")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "condition"), PAIRS)
def test_gallery_draws_what_suits(name, condition):
    model, _ = make(name, condition)
    values = CONDITIONS[condition][1]
    prepare(model, IMAGES, values)
    if model.sampler is None:
        model.fit_sampler(TABLE[name].sampler, IMAGES, values, verbose=False)
    figures = kae.explore.gallery(model, {"loss": [2.0]}, IMAGES, LABELS, values, training=(IMAGES, values))
    assert {"training", "reconstructions", "map", "samples", "outlier_scores", "clusters"} <= set(figures)
    keras.backend.clear_session()
