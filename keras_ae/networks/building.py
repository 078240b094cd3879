import inspect
import re

import keras


def build_network(argument, network, shapes, event_shape=()):
    """Builds a network where it is not built.

    Args:
        argument: name of the argument that the network was given as.
        network: a Keras layer.
        shapes: that of its input, a tuple, or a list of two with that of the context.
        event_shape: what a decoder leads to; given to those that ask for it.

    Returns:
        The shape of its features, a tuple.

    Raises:
        ValueError: where it does not take such inputs, or gives no features for them.
    """
    inputs = [keras.KerasTensor(each) for each in shapes] if isinstance(shapes, list) else keras.KerasTensor(shapes)
    try:
        if not network.built:
            takes_event = "event_shape" in inspect.signature(type(network).build).parameters
            network.build(shapes, event_shape) if takes_event else network.build(shapes)
        features = network(inputs)
    except Exception as error:  # a network of the user's own may raise whatever it wants
        pair = ", a list of two with the features of the condition" if isinstance(shapes, list) else ""
        raise ValueError(f"`{argument}` must take inputs of shape {shapes}{pair}: {_reason(error)}") from error
    shape = getattr(features, "shape", None)
    if shape is None or len(shape) < 2:
        found = type(features).__name__ if shape is None else f"shape {tuple(shape)}"
        raise ValueError(f"`{argument}` must give features, a tensor [B, ...]. Received: {found}")
    return tuple(shape)


def _reason(error):
    """What Keras says is wrong, in one line: without colors, the name of the call and its arguments."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).partition("Arguments received by")[0]
    lines = [line.strip() for line in text.splitlines()]
    told = [line for line in lines if line and not line.startswith("Exception encountered when calling")]
    return " ".join(told) or type(error).__name__
