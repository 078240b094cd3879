"""Networks, posteriors, priors and likelihoods are Keras layers to the harness that Keras tests its layers with.

It builds them of `input_shape`, calls them with symbols and arrays, compares shapes, types and configs, trains them for
a step, and computes in float16.
"""

import pytest
from keras.src.testing import TestCase
from parts import DIM, ROWS, TABLES

FEATURES = (3, 6)
# What a part is called with, and the arguments that a model gives otherwise.
INPUTS = {
    "encoder": ((3, 5, 5, 1), {}),
    "decoder": ((3, DIM), {}),
    "posterior": (FEATURES, {"latent_dim": DIM}),
    "prior": ((3, DIM), {}),
    "likelihood": (FEATURES, {"event_shape": (2, 3)}),
}
# Parts that are a function of what the model gives them, and the sentence that says so.
NOT_ALONE = {
    ("decoder", "conv"): "received `build\\(\\)` argument",  # the shape of the examples
    ("decoder", "resnet"): "received `build\\(\\)` argument",
    ("posterior", "ladder_normal"): "part of a model",
    ("posterior", "top_down_normal"): "part of a model",
    ("prior", "autoregressive"): "part of a model",
    ("prior", "conditional_normal"): "`condition` must be given",
    ("prior", "vamp"): "part of a model",
}
PARTS = [(kind, name) for kind in INPUTS for name in TABLES[kind]]


def check(kind, name, training=False):
    shape, given = INPUTS[kind]
    arguments = {**ROWS[kind][name].arguments(), **given}
    case = TestCase("run_layer_test")
    case.run_layer_test(TABLES[kind][name], arguments, input_shape=shape, run_training_check=training)


ALONE = pytest.mark.parametrize(("kind", "name"), [part for part in PARTS if part not in NOT_ALONE])


@ALONE
def test_a_part_passes_the_tests_of_keras(kind, name):
    check(kind, name)


@pytest.mark.slow
# Parts without weights, or whose weights enter by `distribution`, which the harness does not know.
@pytest.mark.filterwarnings("ignore:The model does not have any trainable", "ignore:Gradients do not exist")
@pytest.mark.filterwarnings("ignore:.*shuffle=True. was passed")  # of the harness itself
@ALONE
def test_a_part_trains_as_keras_tries_it(kind, name):
    check(kind, name, training=True)


@pytest.mark.parametrize(("kind", "name"), NOT_ALONE)
def test_a_part_that_needs_others_of_its_model_says_so(kind, name):
    with pytest.raises((TypeError, ValueError), match=NOT_ALONE[kind, name]):
        check(kind, name)
