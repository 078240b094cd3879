"""Names, building, trainable flags and initial weights of the parts of a model."""

import contextlib
import re

import keras
import tensorflow as tf

from keras_ae.hyperparameters import ArgumentGuard, arguments_of
from keras_ae.keras_internals import made_to_be_trained
from keras_ae.random import seeded_initializers


def name_part(part: keras.layers.Layer | None, name: str) -> None:
    """Names a part after its role in the model, unless the user named it."""
    if part is None:
        return
    made = type(part).__name__.lower()
    if re.sub(r"_\d+$", "", part.name).replace("_", "") == made.replace("_", ""):
        part.name = name


def build_once(part: keras.layers.Layer, input_shape):
    """Builds a layer, unless it is built for the same shape already.

    Args:
        part: the layer.
        input_shape: the shape of its input, or a nest of shapes, with `None` for the batch.

    Raises:
        ValueError: if it is built for another shape, in another model.
    """
    if not part.built or getattr(part, "_waits_for_model", False):
        part._waits_for_model = False
        part.build(input_shape)
        return
    before = (part.get_build_config() or {}).get("input_shape")
    if before is not None and _sizes(before) != _sizes(input_shape):
        raise ValueError(
            f"{type(part).__name__} must not be shared by models or parts of different sizes: create one for each. "
            f"Received: built for {_sizes(before)}, needed for {_sizes(input_shape)}"
        )


def without_shapes(config):
    """Removes the build configs of keras_ae parts from a config, because the model builds them."""
    if isinstance(config, dict):
        ours = str(config.get("registered_name")).startswith("keras_ae>")
        return {key: without_shapes(value) for key, value in config.items() if not (ours and key == "build_config")}
    return [without_shapes(value) for value in config] if isinstance(config, (list, tuple)) else config


def as_config(value):
    """Returns the value of an argument as a config holds it: layers and schedules as dictionaries, tuples as lists."""
    value = value.wrapped if isinstance(value, Wrapper) else list(value) if isinstance(value, tuple) else value
    return without_shapes(keras.saving.serialize_keras_object(value))


class Checkpointed:
    """Makes `tf.train.Checkpoint` save and restore all variables inside a layer.

    Without this, it silently ignores layers and variables in lists.
    """

    def _trackable_children(self, save_type="checkpoint", **kwargs):
        children = super()._trackable_children(save_type, **kwargs)
        return {**children, **variables_by_path(self)} if save_type == "checkpoint" else children


class Part(Checkpointed, ArgumentGuard, keras.layers.Layer):
    """Base class of a model's parts. The model builds them, because it knows what they share.

    A part of keras_ae keeps each argument of its constructor in an attribute of the same name, from which `get_config`
    reads it.
    """

    _waits_for_model = False

    def get_config(self) -> dict:
        arguments = {name: as_config(getattr(self, name)) for name in sorted(arguments_of(type(self)))}
        return {**super().get_config(), **arguments}

    @classmethod
    def from_config(cls, config: dict) -> "Part":
        return cls(**{name: keras.saving.deserialize_keras_object(value) for name, value in config.items()})

    def build_from_config(self, config):
        """Lets the model build a part that is loaded from a file, although Keras marks it as built."""
        self._waits_for_model = True


class Wrapper(Checkpointed, keras.layers.Layer):
    """Base class of layers around a network, which may be a custom network."""

    @property
    def wrapped(self):
        """The network."""
        raise NotImplementedError


# The layers inside a layer, by name.


def layers_by_path(root):
    """Returns all layers inside a layer by the path of attributes to them, outer layers first.

    Returns:
        Dictionary of paths, such as `"encoder"` and `"encoder.layers.0"`, to (layer, the layer around it).
    """
    found, seen, pending = {}, {id(root)}, [("", root)]
    for path, layer in pending:  # which grows
        for name, inner in _inside(layer, is_root=layer is root):
            if id(inner) not in seen:
                seen.add(id(inner))
                pending.append((f"{path}.{name}" if path else name, inner))
                found[pending[-1][0]] = (inner, layer)
    return found


def variables_by_path(root):
    """Returns all variables inside a layer, by the path of their layer and an index, as in `"encoder.layers.0:1"`."""
    found, seen = {}, set()
    for path, (layer, _) in reversed(layers_by_path(root).items()):  # the layers inside first
        mine = [(number, variable) for number, variable in enumerate(layer.variables) if id(variable) not in seen]
        found.update({f"{path}:{number}": variable for number, variable in mine})
        seen.update(id(variable) for _, variable in mine)
    found.update({f":{i}": variable for i, variable in enumerate(root.variables) if id(variable) not in seen})
    return found


_INTERNAL = ("_layers", "_self_")  # where Keras and TensorFlow keep duplicates of other attributes


def _inside(layer, *, is_root=False):
    """Yields (name, layer) of the layers directly inside a layer."""
    if isinstance(layer, keras.Model) and not is_root:  # the layers of Keras models are ordered
        values = {"layers": list(layer.layers)}
    else:
        values = {name: value for name, value in vars(layer).items() if not name.startswith(_INTERNAL)}
    for name, value in values.items():
        yield from _found(name, value)


def _found(name, value):
    if isinstance(value, keras.layers.Layer):
        yield name, value
    elif isinstance(value, (list, tuple, dict)):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, entry in pairs:
            yield from _found(f"{name}.{key}", entry)


# Trainable flags.


def freeze(layer: keras.layers.Layer):
    """Freezes a layer and everything inside. Keras propagates the flag only when it changes."""
    for value in (True, False):
        keras.layers.Layer.trainable.fset(layer, value)


@contextlib.contextmanager
def handing_on(root, before):
    """Context in which layers created inside a frozen layer are frozen too.

    This includes layers inside one that was made with `trainable=False`, which Keras does not propagate.

    Args:
        root: the layer.
        before: ids of the layers inside that have their flags already. All others are new.
    """
    for layer in (root, *(layer for layer, _ in layers_by_path(root).values())):
        inner = [each for each, _ in layers_by_path(layer).values()] if not layer.trainable else []
        if inner and all(each.trainable for each in inner):
            freeze(layer)
    yield
    for layer, around in layers_by_path(root).values():
        if id(layer) not in before and not around.trainable:
            freeze(layer)


def trainable_flags(root):
    """Returns the `trainable` flags inside a layer that differ from the flag of the layer around them.

    Returns:
        Dictionary of the paths of layers and variables to booleans.
    """
    flags = {}
    for path, (layer, around) in layers_by_path(root).items():
        if layer.trainable != around.trainable:
            flags[path] = layer.trainable
        for number, variable in enumerate(made_to_be_trained(layer)):  # variables that were created as trainable
            if variable.trainable != layer.trainable:
                flags[f"{path}:{number}"] = variable.trainable
    return flags


def set_trainable_flags(root, flags):
    """Sets all flags inside a layer to the result of `trainable_flags`.

    Returns:
        The paths in `flags` that do not exist.
    """
    missing = dict(flags)
    for path, (layer, around) in layers_by_path(root).items():
        layer.trainable = missing.pop(path, around.trainable)
        for number, variable in enumerate(made_to_be_trained(layer)):
            variable.trainable = missing.pop(f"{path}:{number}", layer.trainable)
    return list(missing)


# Initial weights.


def is_ours(layer):
    """Whether a layer comes from keras_ae, as opposed to a custom layer."""
    return type(layer).__module__.partition(".")[0] == "keras_ae"


@contextlib.contextmanager
def weights_from(seed, name, part):
    """Context in which a part draws its initial weights from a seed and a name, except for initializers with a seed
    and custom networks.

    Args:
        seed: integer.
        name: role of the part in its model, so that different parts draw different weights.
        part: a layer.
    """
    with seeded_initializers(seed, name):
        _draw_again(part)
        yield


def _draw_again(layer):
    """Draws the seeds of existing initializers without a seed."""
    if layer.built:
        return
    for name, value in vars(layer).items():
        if isinstance(value, keras.initializers.Initializer) and value.get_config().get("seed", 0) is None:
            setattr(layer, name, type(value).from_config(value.get_config()))
    for _, inner in _inside(layer):
        if not (isinstance(layer, Wrapper) and inner is layer.wrapped and not is_ours(inner)):
            _draw_again(inner)


def _sizes(shape):
    """Returns the lengths in a shape or a nest of shapes, without the batch."""
    return tuple(length for length in tf.nest.flatten(shape, expand_composites=False) if length is not None)
