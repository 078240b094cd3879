"""Initial weights of the networks in flows: near the identity, but not at a saddle point that training cannot leave.

For codes on both sides of the origin, such as two clusters or a ring, the normal density is a saddle point of the
likelihood if all networks of the flow are odd, f(-z) = -f(z), or if no single map improves it, but two in sequence do.
"""

import keras

_SPREAD = 0.2


def hidden_options() -> dict[str, keras.initializers.Initializer]:
    """Returns initializers of the kernel and the bias of a layer of tanh units that are neither linear nor odd.

    For inputs of variance 1, the pre-activations have variance 1, and the units bend on both sides of the origin.
    """
    return {
        "kernel_initializer": keras.initializers.LecunNormal(),
        "bias_initializer": keras.initializers.RandomUniform(-1.0, 1.0),
    }


def small_outputs() -> keras.initializers.Initializer:
    """Returns an initializer of the last kernel, for shifts and log-scales with a standard deviation of up to 0.2."""
    return keras.initializers.VarianceScaling(_SPREAD**2, "fan_in")
