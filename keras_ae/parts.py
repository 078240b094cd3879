"""How parts of a model are named and built, which of their layers are trained, and where their weights come from."""

import contextlib
import re

import keras
import tensorflow as tf

from keras_ae.hyperparameters import ArgumentGuard
from keras_ae.keras_internals import made_to_be_trained
from keras_ae.random import seeded_initializers


def name_part(part: keras.layers.Layer | None, name: str) -> None:
    """Names a part by its place in a model, unless it was given a name that Keras did not make of its class."""
    if part is None:
        return
    made = type(part).__name__.lower()
    if re.sub(r"_\d+$", "", part.name).replace("_", "") == made.replace("_", ""):
        part.name = name


def build_once(part: keras.layers.Layer, input_shape):
    """Builds a layer, unless it was built before for the same shape.

    Args:
        part: the layer.
        input_shape: the shape of its input, or a nest of shapes, with `None` for the batch.

    Raises:
        ValueError: where it was built for another shape: it serves another model.
    """
    if not part.built or getattr(part, "_waits_for_model", False):
        part._waits_for_model = False
        part.build(input_shape)
        return
    before = (part.get_build_config() or {}).get("input_shape")
    if before is not None and _sizes(before) != _sizes(input_shape):
        raise ValueError(
            f"The same {type(part).__name__} must not serve two models of other sizes, or two such parts of one: give "
            f"each its own. Received: one that was built for {_sizes(before)}, wanted for {_sizes(input_shape)}"
        )


def without_shapes(config):
    """The config of a part, without the shapes that parts of keras_ae were built for: the model builds them."""
    if isinstance(config, dict):
        ours = str(config.get("registered_name")).startswith("keras_ae>")
        return {key: without_shapes(value) for key, value in config.items() if not (ours and key == "build_config")}
    return [without_shapes(value) for value in config] if isinstance(config, (list, tuple)) else config


class Checkpointed:
    """For a layer: `tf.train.Checkpoint` saves and restores all variables inside of it.

    By itself it does not see layers and variables that are kept in lists, and says nothing.
    """

    def _trackable_children(self, save_type="checkpoint", **kwargs):
        children = super()._trackable_children(save_type, **kwargs)
        return {**children, **variables_by_path(self)} if save_type == "checkpoint" else children


class Part(Checkpointed, ArgumentGuard, keras.layers.Layer):
    """Base of the layers that a model is composed of. The model builds them: it knows what they share."""

    _waits_for_model = False

    def get_config(self):
        """The name, the type and what a subclass adds. Without it, Keras would record the arguments of the constructor,
        and could not write them again after `from_config`."""
        return super().get_config()

    def build_from_config(self, config):
        """Leaves the building of a part that comes from a file to its model, though Keras marks it as built."""
        self._waits_for_model = True


class Wrapper(Checkpointed, keras.layers.Layer):
    """Base of the layers around a network that may be a user's."""

    @property
    def wrapped(self):
        """The network."""
        raise NotImplementedError


# The layers inside of a layer, by name.


def layers_by_path(root):
    """All layers inside of a layer, by the attributes that lead to them, those outside first.

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
    """All variables inside of a layer: a dictionary of the path of their layer and a number, `"encoder.layers.0:1"`."""
    found, seen = {}, set()
    for path, (layer, _) in reversed(layers_by_path(root).items()):  # the layers inside first
        mine = [(number, variable) for number, variable in enumerate(layer.variables) if id(variable) not in seen]
        found.update({f"{path}:{number}": variable for number, variable in mine})
        seen.update(id(variable) for _, variable in mine)
    found.update({f":{i}": variable for i, variable in enumerate(root.variables) if id(variable) not in seen})
    return found


_INTERNAL = ("_layers", "_self_")  # where Keras and TensorFlow keep what other attributes hold


def _inside(layer, *, is_root=False):
    """(name, layer) of the layers directly inside of a layer."""
    if isinstance(layer, keras.Model) and not is_root:  # the layers of Keras' own models have an order
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


# Which of them are trained.


def freeze(layer: keras.layers.Layer):
    """Makes a layer and all that is inside of it untrainable. Keras hands that on only where it changes."""
    for value in (True, False):
        keras.layers.Layer.trainable.fset(layer, value)


@contextlib.contextmanager
def handing_on(root):
    """Layers that are made within it, inside of a layer that is not trained, are not trained.

    Nor are those of a layer that was made with `trainable=False`, of which Keras does not tell what is inside of it.
    """
    before = {id(root)}
    for layer in (root, *(layer for layer, _ in layers_by_path(root).values())):
        before.add(id(layer))
        inner = [each for each, _ in layers_by_path(layer).values()] if not layer.trainable else []
        if inner and all(each.trainable for each in inner):
            freeze(layer)
    yield
    for layer, around in layers_by_path(root).values():
        if id(layer) not in before and not around.trainable:
            freeze(layer)


def trainable_flags(root):
    """The flags `trainable` inside of a layer, where one is not that of the layer around it.

    Returns:
        Dictionary of the paths of layers and variables to booleans.
    """
    flags = {}
    for path, (layer, around) in layers_by_path(root).items():
        if layer.trainable != around.trainable:
            flags[path] = layer.trainable
        for number, variable in enumerate(made_to_be_trained(layer)):  # those that were made to be trained
            if variable.trainable != layer.trainable:
                flags[f"{path}:{number}"] = variable.trainable
    return flags


def set_trainable_flags(root, flags):
    """Sets all flags inside of a layer to what `trainable_flags` found.

    Returns:
        The paths in `flags` that are not there.
    """
    missing = dict(flags)
    for path, (layer, around) in layers_by_path(root).items():
        layer.trainable = missing.pop(path, around.trainable)
        for number, variable in enumerate(made_to_be_trained(layer)):
            variable.trainable = missing.pop(f"{path}:{number}", layer.trainable)
    return list(missing)


# Where their first weights come from.


def is_ours(layer):
    """Whether a layer is of keras_ae, and not a user's."""
    return type(layer).__module__.partition(".")[0] == "keras_ae"


@contextlib.contextmanager
def weights_from(seed, name, part):
    """The weights that a part gets within it are drawn from a seed and a name, but for those of initializers that have
    a seed, and those of a user's network inside of it.

    Args:
        seed: integer.
        name: what the part is in its model: others have other weights.
        part: a layer.
    """
    with seeded_initializers(seed, name):
        _draw_again(part)
        yield


def _draw_again(layer):
    """Draws the seeds of initializers that were made before, and given none."""
    if layer.built:
        return
    for name, value in vars(layer).items():
        if isinstance(value, keras.initializers.Initializer) and value.get_config().get("seed", 0) is None:
            setattr(layer, name, type(value).from_config(value.get_config()))
    for _, inner in _inside(layer):
        if not (isinstance(layer, Wrapper) and inner is layer.wrapped and not is_ours(inner)):
            _draw_again(inner)


def _sizes(shape):
    """The lengths in a shape or a nest of shapes, without the batch."""
    return tuple(length for length in tf.nest.flatten(shape, expand_composites=False) if length is not None)
