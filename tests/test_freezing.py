"""Layers that are not trained, in every kind of copy of a model."""

import copy
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiers import first

import keras_ae as kae
from keras_ae.parts import trainable_flags
from keras_ae.training.optimizers import build_optimizers
from keras_ae.training.stacks import Batch

X = np.random.default_rng(0).random((32, 4, 4, 1)).astype("float32")


def vae(encoder=None, **arguments):
    encoder = kae.networks.MLP([6, 5]) if encoder is None else encoder
    model = kae.models.VAE(encoder, kae.networks.MLP([5]), latent_dim=2, **arguments)
    model.compile(run_eagerly=True)
    return model


def step(model, x):
    """One step, without what `fit` has around it."""
    if not model.built:
        model.build((None, *X.shape[1:]))
    build_optimizers(model)
    model.train_step(Batch(tf.constant(x), None, None, len(x)))


def changed(model, part, step=step):
    """Whether two steps change a part, and whether they change the rest of the model."""
    if not model.built:
        model.build((None, *X.shape[1:]))
    mine = {id(variable) for variable in part.variables}
    before = [np.array(variable) for variable in model.variables]
    for batch in (X[:16], X[16:]):
        step(model, batch)
    pairs = list(zip(model.variables, before, strict=True))
    return [
        any(not np.array_equal(variable, old) for variable, old in pairs if (id(variable) in mine) == inside)
        for inside in (True, False)
    ]


def saved(model, tmp_path):
    model.save(tmp_path / "model.keras")
    return tmp_path / "model.keras"


COPIES = {
    "kae.load": lambda model, tmp_path: kae.load(saved(model, tmp_path)),
    "load_model": lambda model, tmp_path: keras.models.load_model(saved(model, tmp_path)),
    "deepcopy": lambda model, tmp_path: copy.deepcopy(model),
    "clone_model": lambda model, tmp_path: keras.models.clone_model(model),
    "config": lambda model, tmp_path: type(model).from_config(model.get_config()),
}


@pytest.mark.filterwarnings("ignore:You are saving a model that has not yet been built")
@pytest.mark.parametrize(
    "way, when",
    first(2, [("kae.load", "built"), ("kae.load", "not compiled"), *itertools.product(COPIES, ["trained", "unbuilt"])]),
)
def test_every_copy_keeps_the_flags(way, when, tmp_path):
    model = vae()
    if when == "uncompiled":
        model = kae.models.VAE(kae.networks.MLP([6, 5]), kae.networks.MLP([5]), latent_dim=2)
    model.encoder.trainable = False
    model.decoder.layers[0].trainable = False
    model.encoder.layers[1].trainable = True
    if when == "trained":
        step(model, X)
    elif when != "unbuilt":
        model.build((None, *X.shape[1:]))
    flags = trainable_flags(model)
    assert flags == {"encoder": False, "decoder.layers.0": False, "encoder.layers.1": True}
    again = COPIES[way](model, tmp_path)
    assert trainable_flags(again) == flags
    again.compile(run_eagerly=True)
    assert changed(again, again.encoder.layers[0]) == [False, True]
    assert again.get_config()["trainable_layers"] == flags
    again.encoder.trainable = True
    again.compile(run_eagerly=True)
    assert changed(again, again.encoder.layers[0]) == [True, True]


@pytest.mark.parametrize("network", first(2, ["mlp", "conv", "resnet", "gated_mlp"]))
def test_a_network_that_is_frozen_before_it_is_built_stays_as_it_is(network):
    """Some of them make their layers when they are built."""
    model = vae(network)
    model.encoder.trainable = False
    assert changed(model, model.encoder) == [False, True]
    cls = type(model.encoder)
    model = vae(cls([2], trainable=False))
    assert changed(model, model.encoder) == [False, True]


def test_a_part_of_a_pretrained_network_stays_frozen(tmp_path):
    """The usual fine-tuning: a network of one's own, of which the last layers alone are trained."""
    layers = keras.layers
    network = keras.Sequential(
        [keras.Input(X.shape[1:]), layers.Flatten(), layers.Dense(4), layers.BatchNormalization()]
    )
    network.layers[1].trainable = network.layers[2].trainable = False
    model = vae(network)
    statistics = np.array(network.layers[2].moving_mean)
    assert changed(model, network) == [False, True]
    again = kae.load(saved(model, tmp_path))
    assert changed(again, again.encoder) == [False, True]
    np.testing.assert_array_equal(again.encoder.layers[2].moving_mean, statistics)


def test_a_single_weight_can_be_frozen(tmp_path):
    model = vae()
    model.build((None, *X.shape[1:]))
    model.encoder.layers[0].bias.trainable = False
    step(model, X)
    again = kae.load(saved(model, tmp_path))
    assert trainable_flags(again) == {"encoder.layers.0:1": False}
    assert len(again.optimizer_variables) == len(model.optimizer_variables)


@pytest.mark.parametrize("update", first(1, ["ema", "gradient"]))
def test_a_frozen_codebook_learns_nothing(update, tmp_path):
    """Also by its moving averages, as batch normalization that is frozen does not."""
    quantizer = kae.latents.VectorQuantizer(5, code_dim=2, update=update)
    parts = {"posterior": quantizer, "prior": None, "objective": "vector_quantization"}
    model = kae.Autoencoder(kae.networks.MLP([5]), kae.networks.MLP([5]), latent_dim=4, **parts)
    model.compile(run_eagerly=True)
    step(model, X)
    (book,) = model.posterior_layer.books
    book.trainable = False
    model.compile(run_eagerly=True)
    assert changed(model, book) == [False, True]
    again = kae.load(saved(model, tmp_path))
    assert changed(again, again.posterior_layer.books[0]) == [False, True]


def test_a_sampler_is_not_trained_with_a_model_that_was_unfrozen():
    model = vae()
    model.build((None, *X.shape[1:]))
    flow = kae.latents.FlowSampler(kae.latents.RealNVP(2, hidden=(4,)), epochs=1)
    model.fit_sampler(flow, X, verbose=False)
    model.trainable = False
    model.trainable = True
    model.compile(run_eagerly=True)
    assert changed(model, model.sampler_layer) == [False, True]


def test_a_prior_that_was_frozen_can_be_unfrozen_in_a_copy_and_one_that_was_made_so_cannot():
    for kept in (False, True):
        prior = kae.latents.NormalMixture(3, trainable=not kept)
        model = vae(prior=prior)
        model.prior_layer.trainable = False
        again = copy.deepcopy(model) if model.built else keras.models.clone_model(model)
        again.prior_layer.trainable = True
        again.compile(run_eagerly=True)
        assert changed(again, again.prior_layer) == [not kept, True]


def test_an_objective_that_trains_no_prior_takes_a_frozen_one_in_a_copy():
    prior = kae.latents.NormalMixture(3)
    prior.trainable = False
    model = kae.models.AdversarialAE("mlp", "mlp", latent_dim=2, prior=prior)
    assert not keras.models.clone_model(model).prior_layer.trainable


def test_what_is_frozen_after_compile_is_frozen_and_after_fit_it_needs_compile():
    """As in Keras, which says nothing in the second case."""

    def fit(model, x):
        model.train_on_batch(x)

    model = vae()
    model.encoder.trainable = False
    assert changed(model, model.encoder, fit) == [False, True]
    model.encoder.trainable = True
    with pytest.warns(UserWarning, match=r"`trainable` of layers of this VAE has changed since `compile`, and has no"):
        assert changed(model, model.encoder, fit) == [False, True]
    with pytest.raises(ValueError, match=r"Call `compile` again: the optimizer was built before 4 of the weights were"):
        model.make_train_function(force=True)
    model.compile(run_eagerly=True)
    assert changed(model, model.encoder, fit) == [True, True]
    model.encoder.trainable = False
    model.make_train_function(force=True)  # as Keras' page of `trainable` says
    assert changed(model, model.encoder, fit) == [False, True]


def test_the_optimizer_may_stay_the_same_one(tmp_path):
    """It has a state for weights that are not trained any more."""
    model = vae()
    step(model, X)
    model.encoder.trainable = False
    model.compile(model.optimizer, run_eagerly=True)
    step(model, X)
    again = kae.load(saved(model, tmp_path))
    assert changed(model, model.encoder) == changed(again, again.encoder) == [False, True]
    for one, other in zip(again.variables, model.variables, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("frozen", [False, True])
def test_a_file_has_the_state_of_an_optimizer_that_was_made_for_other_weights(frozen, tmp_path):
    """Flags that were changed after the last training and before `compile`."""
    model = vae()
    model.encoder.trainable = not frozen
    step(model, X)
    model.encoder.trainable = frozen
    again = kae.load(saved(model, tmp_path))
    for one, other in zip(again.optimizer_variables, model.optimizer_variables, strict=True):
        np.testing.assert_array_equal(one, other)
    assert trainable_flags(again) == trainable_flags(model)
    again.compile(run_eagerly=True)
    assert changed(again, again.encoder) == [frozen, True]


def test_a_discriminator_is_trained_alone_with_new_noise_in_every_step():
    model = kae.models.FactorVAE("mlp", "mlp", latent_dim=2)
    for part in (model.encoder, model.decoder, model.posterior_layer, model.likelihood_layer):
        part.trainable = False
    model.compile(run_eagerly=True)
    assert changed(model, model.objective, lambda model, x: model.fit(x, verbose=0)) == [True, False]
    assert int(model.optimizer.iterations) == 0 and int(model.discriminator_optimizer.iterations) == 2


def test_fit_of_a_model_that_is_frozen_as_a_whole_is_what_it_is_in_keras():
    model = vae()
    model.trainable = False
    with pytest.warns(UserWarning, match=r"^The model does not have any trainable weights\.$"):
        history = model.fit(X, epochs=2, verbose=0).history
    assert len(history["loss"]) == 2 and int(model.optimizer.iterations) == 0
    plain = keras.Sequential([keras.Input(X.shape[1:]), keras.layers.Dense(1)])
    plain.trainable = False
    plain.compile("adam", "mse")
    with pytest.warns(UserWarning, match=r"^The model does not have any trainable weights\.$"):
        plain.fit(X, X, verbose=0)
    assert int(plain.optimizer.iterations) == 0


def test_a_training_that_was_stopped_goes_on_with_what_is_frozen(tmp_path):
    def trained(epochs, folder):
        model = vae()
        model.encoder.trainable = False
        backup = kae.callbacks.BackupAndRestore(folder, delete_at_end=False)
        model.fit(X, epochs=epochs, verbose=0, callbacks=[backup])
        return model

    whole = trained(2, tmp_path / "whole")
    trained(1, tmp_path / "parts")
    for one, other in zip(trained(2, tmp_path / "parts").variables, whole.variables, strict=True):
        np.testing.assert_array_equal(one, other)


def test_flags_of_layers_that_there_are_and_of_those_that_are_built_later_are_kept_together():
    """The head of q(k|x) is made when the model is built, the networks before."""
    model = kae.models.GaussianMixtureVAE(kae.networks.MLP([4]), kae.networks.MLP([4]), latent_dim=2)
    model.build((None, 5))
    model.encoder.trainable = False
    again = kae.models.GaussianMixtureVAE.from_config(model.get_config())
    again.build((None, 5))
    assert set(trainable_flags(again)) == {"encoder", "objective.classifier", "objective.head"}


def test_a_config_that_freezes_a_layer_that_there_is_not_is_refused():
    model = vae()
    model.build((None, *X.shape[1:]))
    config = keras.saving.serialize_keras_object(model)
    config["config"]["trainable_layers"] = {"encoder.layers.7": False}
    with pytest.raises(
        ValueError, match=r"`trainable_layers` must name layers of the model\. Received: encoder\.layers"
    ):
        keras.saving.deserialize_keras_object(config)
