import inspect
import re

import keras


def build_network(
    argument: str, network: keras.layers.Layer, shapes: tuple | list[tuple], event_shape: tuple = ()
) -> tuple:
    """Builds a network unless it is built, and checks its output.

    Args:
        argument: name of the argument that holds the network.
        network: a Keras layer.
        shapes: shape of the input, a tuple, or a list of the shapes of the input and the context.
        event_shape: shape of a decoded example, for decoders whose `build` takes it.

    Returns:
        The shape of the features, a tuple.

    Raises:
        ValueError: if the network does not accept these inputs, or returns no features for them.
    """
    inputs = [keras.KerasTensor(each) for each in shapes] if isinstance(shapes, list) else keras.KerasTensor(shapes)
    try:
        if not network.built:
            takes_event = "event_shape" in inspect.signature(type(network).build).parameters
            network.build(shapes, event_shape) if takes_event else network.build(shapes)
        features = network(inputs)
    except Exception as error:  # a custom network may raise anything
        pair = ", a list of two with the features of the condition" if isinstance(shapes, list) else ""
        raise ValueError(f"`{argument}` must take inputs of shape {shapes}{pair}: {_reason(error)}") from error
    shape = getattr(features, "shape", None)
    if shape is None or len(shape) < 2:
        found = type(features).__name__ if shape is None else f"shape {tuple(shape)}"
        raise ValueError(f"`{argument}` must return features, a tensor [B, ...]. Received: {found}")
    return tuple(shape)


def check_activation(activation: str) -> str:
    """Returns the name of an activation if Keras knows it.

    Raises:
        ValueError: for anything else.
    """
    try:
        known = isinstance(activation, str) and callable(keras.activations.get(activation))
    except ValueError:
        known = False
    if not known:
        raise ValueError(
            '`activation` must be a name that Keras knows, such as "relu" or "tanh". '
            f"Received: activation={activation!r}"
        )
    return activation


def _reason(error):
    """Returns Keras' error as one line, without colors, the name of the call and its arguments."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).partition("Arguments received by")[0]
    lines = [line.strip() for line in text.splitlines()]
    reasons = [line for line in lines if line and not line.startswith("Exception encountered when calling")]
    return " ".join(reasons) or type(error).__name__
