"""What a model remembers beside its weights: which layers are frozen, the state of optimizers, where weights start."""

import copy

import keras
import numpy as np
import pytest
import tensorflow as tf
from subjects import EVENT, TABLE, X, in_short_run, make, prepare, rows, to_learn

import keras_ae as kae
from keras_ae.models import MODELS
from keras_ae.parts import layers_by_path, trainable_flags, variables_by_path
from keras_ae.training.optimizers import build_optimizers
from keras_ae.training.stacks import Batch

SOME = in_short_run("vqvae")


def step(model, name, values):
    """One step, and the paths of the layers that it changed."""
    prepare(model, X[:8], rows(values, 8))
    build_optimizers(model)
    before = {path: np.array(variable) for path, variable in variables_by_path(model).items()}
    model.train_step(Batch(tf.constant(X[:8]), to_learn(name, rows(values, 8)), None, 8))
    after = variables_by_path(model).items()
    return {path.partition(":")[0] for path, variable in after if not np.array_equal(variable, before[path])}


def parts_that_learn(model):
    """The parts of a model, and one layer inside of each, that have weights to train or to update."""
    layers = {path: layer for path, (layer, _) in layers_by_path(model).items() if layer.trainable_variables}
    outside = [path for path in layers if "." not in path]
    inside = [next((path for path in layers if path.startswith(f"{part}.")), None) for part in outside]
    return {path: layers[path] for path in [*outside, *inside] if path is not None}


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLE)  # tests/test_freezing.py has some in the short run
def test_a_frozen_part_is_frozen_in_every_copy_and_training_goes_on_there(name):
    """Every part with weights, and a layer inside of it; all that `model.save` writes goes through a copy, too."""
    model, values = make(name, run_eagerly=True)
    step(model, name, values)  # after which no gradient is 0 because a weight is
    everything = step(model, name, values)
    never = trainable_flags(model)  # layers that a model keeps from training
    for path, part in parts_that_learn(model).items():
        part.trainable = False
        model.compile(run_eagerly=True)
        changed = step(model, name, values)
        assert changed < everything and not any(f"{each}.".startswith(f"{path}.") for each in changed)
        again = copy.deepcopy(model)
        assert trainable_flags(again) == trainable_flags(model) == {**never, path: False}
        assert len(again.optimizer_variables) == len(model.optimizer_variables)
        assert step(again, name, values) == step(model, name, values) == changed
        for one, other in zip(again.variables, model.variables, strict=True):
            np.testing.assert_array_equal(one, other)
        part.trainable = True
    model.compile(run_eagerly=True)
    assert step(model, name, values) == everything


@pytest.mark.parametrize("name", SOME)
def test_a_model_that_is_frozen_as_a_whole_learns_nothing_and_says_so(name):
    model, values = make(name, run_eagerly=True)
    model.trainable = False
    model.compile(run_eagerly=True)
    with pytest.warns(UserWarning, match="The model does not have any trainable weights"):
        assert not step(model, name, values)
    again = copy.deepcopy(model)
    assert not again.trainable and not trainable_flags(again) and int(model.optimizer.iterations) == 0
    again.trainable = True
    again.compile(run_eagerly=True)
    assert step(again, name, values)


@pytest.mark.parametrize("name", SOME)
def test_a_checkpoint_of_tensorflow_restores_everything(name, tmp_path):
    """Into a model that was trained, and into one that gets its weights later."""
    model, values = make(name, run_eagerly=True)
    step(model, name, values)
    path = tf.train.Checkpoint(model=model).save(tmp_path / "checkpoint")
    saved = {key for key, _ in tf.train.list_variables(path)} - {"_CHECKPOINTABLE_OBJECT_GRAPH"}
    mine = [*model.variables, *model.optimizer_variables]
    assert len({key for key in saved if not key.startswith("save_counter")}) == len(mine)
    for trained in (True, False):
        other, _ = make(name, run_eagerly=True)
        if trained:
            step(other, name, values)
        status = tf.train.Checkpoint(model=other).restore(path)
        other.build((None, *EVENT))
        build_optimizers(other)
        status.assert_consumed()
        for one, two in zip([*other.variables, *other.optimizer_variables], mine, strict=True):
            np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("name", SOME)
def test_a_checkpoint_of_a_part_restores_all_of_it(name, tmp_path):
    models = [make(name)[0] for _ in range(2)]
    for model in models:
        model.build((None, *EVENT))
    parts = [{path: part for path, part in parts_that_learn(model).items() if "." not in path} for model in models]
    for path, part in parts[0].items():
        for weight in part.weights:
            weight.assign(np.full(weight.shape, 3, weight.dtype))
        file = tf.train.Checkpoint(part=part).save(tmp_path / path)
        tf.train.Checkpoint(part=parts[1][path]).restore(file).assert_consumed()
        assert all((np.array(weight) == 3).all() for weight in parts[1][path].weights)


def of_seed(name, seed):
    """A model that makes all of its parts, built."""
    row = TABLE[name]
    condition = {} if row.conditions == ("none",) else {"condition": kae.Categorical(3)}
    model = MODELS[name](**{"latent_dim": 2, **row.arguments(), **condition, "seed": seed})
    model.build((None, *EVENT))
    return model


@pytest.mark.parametrize("name", in_short_run("vae_gan", "vqvae", "semi_supervised_vae"))
def test_models_of_one_seed_start_equal_and_those_of_others_do_not(name):
    models = []
    for number, seed in enumerate([1, 1, 2]):
        keras.utils.set_random_seed(number)
        models.append(of_seed(name, seed))
    models.append(keras.models.clone_model(models[0]))
    one, two, other, clone = (variables_by_path(model) for model in models)
    for path, variable in one.items():
        value = np.array(variable)
        np.testing.assert_array_equal(value, two[path])
        np.testing.assert_array_equal(value, clone[path])
        drawn = value.size > 1 and len(np.unique(value)) > min(value.size - 1, 4)
        assert not drawn or np.abs(value - other[path]).max() > 1e-3
    drawn = [value for value in map(np.array, one.values()) if len(np.unique(value)) > 4]
    assert len({value.ravel()[:3].tobytes() for value in drawn}) >= len(drawn) - _COPIES.get(name, 0)


_COPIES = {"vqvae": 1, "residual_vqvae": 4}  # the sums of a codebook start as its entries
