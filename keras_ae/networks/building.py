import inspect


def build_network(network, shapes, event_shape):
    """Builds a network where it is not built.

    Args:
        network: a Keras layer.
        shapes: that of its input, or a list of two with that of the context.
        event_shape: what a decoder leads to; given to those that ask for it.
    """
    if not network.built:
        takes_event = "event_shape" in inspect.signature(type(network).build).parameters
        network.build(shapes, event_shape) if takes_event else network.build(shapes)
