import keras


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
