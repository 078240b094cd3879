"""A `SemiSupervisedVAE` that is told other properties beside a label that is partly known."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

import keras_ae as kae
from keras_ae.models import ConditionalVAE, SemiSupervisedVAE
from keras_ae.step_context import StepContext

SEED = tf.constant([3, 4], tf.int32)
RNG = np.random.default_rng(0)
X = RNG.random((6, 5)).astype("float32")
DIGITS = np.int32([0, -1, 2, -1, 1, 0])
OTHERS = {"slant": RNG.normal(size=(6, 2)).astype("float32"), "writer": np.int32([1, 0, 1, 1, 0, 0])}


def small(cls=SemiSupervisedVAE, **arguments):
    condition = {"slant": kae.Continuous(2), "digit": kae.Categorical(3), "writer": kae.Categorical(2)}
    network = kae.networks.MLP
    model = cls(network([4]), network([3]), latent_dim=2, condition=condition, **arguments)
    model.build((None, 5))
    model.condition.adapt({"digit": DIGITS, **OTHERS})
    return model


def test_loss_equals_enumeration_over_the_label_with_the_other_properties_as_they_are():
    model, plain = small(label="digit", alpha=7.0), small(ConditionalVAE)
    for name in ("encoder", "decoder", "posterior_layer", "likelihood_layer"):
        getattr(plain, name).set_weights(getattr(model, name).get_weights())
    terms = model.terms(X, {"digit": DIGITS, **OTHERS}, StepContext(SEED))
    told = {"digit": np.repeat(np.arange(3), 6), "slant": np.tile(OTHERS["slant"], [3, 1])}
    told["writer"] = np.tile(OTHERS["writer"], 3)
    every = plain.terms(np.tile(X, [3, 1]), told, StepContext(SEED))
    every = {name: np.reshape(values, [3, 6]).astype("float64") for name, values in every.items()}
    q = model.classify(X).numpy().astype("float64")
    assert q.shape == (6, 3)
    for i, digit in enumerate(DIGITS):
        if digit >= 0:
            expected = every["loss"][digit, i] + np.log(3) - 7 * np.log(q[i, digit])
        else:
            expected = q[i] @ (every["loss"][:, i] + np.log(3)) - stats.entropy(q[i])
        np.testing.assert_allclose(terms["loss"][i], expected, rtol=1e-5)


@pytest.mark.parametrize("form", ["dictionary", "columns", "dataset"])
def test_only_the_label_may_be_unknown(form):
    condition = {"digit": kae.Categorical(3), "slant": kae.Continuous()}
    model = SemiSupervisedVAE(kae.networks.MLP([4]), kae.networks.MLP([3]), latent_dim=2, condition=condition)
    assert (model.label, model.num_classes) == ("digit", 3)  # the only one that can be it
    model.compile(run_eagerly=True)
    values = {"digit": DIGITS, "slant": OTHERS["slant"][:, 0]}
    columns = np.stack([DIGITS.astype("float32"), values["slant"]], axis=1)
    given = {
        "dictionary": (X, values),
        "columns": (X, columns),
        "dataset": (tf.data.Dataset.from_tensor_slices((X, columns)).batch(6),),
    }[form]
    history = model.fit(*given, verbose=0).history
    assert np.isfinite(history["loss"]).all() and 0 < history["label_kl"][0] < np.log(3)
    images = model.sample(4, condition={"digit": [0, 1, 2, 2], "slant": 0.5}, seed=1)
    assert images.shape == (4, 5)
    with pytest.raises(ValueError, match=r"`condition\['digit'\]` must hold labels in \[0, 3\)\. Received: -1"):
        model.sample(1, condition={"digit": -1, "slant": 0.5})
    with pytest.raises(ValueError, match=r"`condition\['slant'\]` must be finite"):
        model.fit(X, {**values, "slant": np.full(6, np.nan)}, verbose=0)


@pytest.mark.parametrize("cls", [SemiSupervisedVAE, ConditionalVAE])
@pytest.mark.parametrize("label", [-2.0, 3.0, 0.5])
def test_columns_of_a_dataset_hold_labels_as_well(cls, label):
    condition = {"digit": kae.Categorical(3), "slant": kae.Continuous()}
    model = cls(kae.networks.MLP([4]), kae.networks.MLP([3]), latent_dim=2, condition=condition)
    model.compile(run_eagerly=True)
    columns = np.stack([np.full(6, label, "float32"), OTHERS["slant"][:, 0]], axis=1)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"digit.* must hold labels in \[0, 3\)"):
        model.fit(tf.data.Dataset.from_tensor_slices((X, columns)).batch(6), verbose=0)


def test_config_and_file_keep_which_property_is_the_label(tmp_path):
    model = small(label="writer")
    assert type(model).from_config(model.get_config()).label == "writer"
    model.save(tmp_path / "model.keras")
    again = kae.load(tmp_path / "model.keras")
    assert (again.label, again.num_classes) == ("writer", 2)
    np.testing.assert_array_equal(again.classify(X), model.classify(X))
