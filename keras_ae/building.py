"""How the parts of a model are named, built, once each, and kept from training."""

import re

import keras


def name_part(part: keras.layers.Layer | None, name: str) -> None:
    """Names a part by its place in a model, unless it was given a name that Keras did not make of its class."""
    if part is None:
        return
    made = type(part).__name__.lower()
    if re.sub(r"_\d+$", "", part.name).replace("_", "") == made.replace("_", ""):
        part.name = name


def build_part(part, *shapes):
    """Builds a layer for shapes of which the last is that of its events, unless it was built before for the same.

    Raises:
        ValueError: where it was built for events of another shape.
    """
    if not part.built:
        part.build(*shapes)
    elif getattr(part, "event_shape", shapes[-1]) != shapes[-1]:
        raise ValueError(
            f"The same {type(part).__name__} must not serve two models of other sizes, or two such parts of one: give "
            f"each its own. Received: one that was built for {part.event_shape}, wanted for {shapes[-1]}"
        )


def freeze(layer):
    """Makes a layer and all that is inside of it one that is not trained. Keras hands that on only where it changes."""
    for value in (True, False):
        keras.layers.Layer.trainable.fset(layer, value)
