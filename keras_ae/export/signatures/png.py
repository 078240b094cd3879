"""Pictures as PNG files, made inside the graph of a server."""

import tensorflow as tf

_CHANNELS = (1, 3)


def check_pictures(model):
    """Raises a `ValueError` where the examples of a model are no pictures, or have no black and white."""
    shape, support = model.event_shape, model.likelihood_layer.support
    if len(shape) not in (2, 3) or _channels(shape) not in _CHANNELS:
        raise ValueError(f"`png` needs images [H, W], [H, W, 1] or [H, W, 3]. Received: examples of shape {shape}")
    if support is None or tuple(support[:2]) != (0.0, 1.0):
        raise ValueError(
            "`png` needs a likelihood of values in [0, 1], such as Bernoulli: 0 is black, 1 white. "
            f"Received: {type(model.likelihood_layer).__name__}"
        )


def encode_png(x):
    """PNG files with 8 bits a value of pictures in [0, 1], [B, H, W] or [B, H, W, C]: string tensor [B]."""
    height, width, channels = x.shape[1], x.shape[2], _channels(x.shape[1:])
    levels = tf.saturate_cast(tf.round(255.0 * x), tf.uint8)
    return tf.io.encode_png(tf.reshape(levels, [-1, height, width, channels]))


def _channels(event_shape):
    return event_shape[2] if len(event_shape) == 3 else 1
