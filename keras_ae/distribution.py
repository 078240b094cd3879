import tensorflow as tf
import tensorflow_probability as tfp

tfd = tfp.distributions


class Distribution(tfd.Distribution):
    """Base class of the distributions that TFP lacks: float32, and without TFP's checks of arguments.

    A subclass names its tensors in `_parameter_properties`; TFP infers the batch shape from them, and slices them.

    Args:
        parameters: arguments of the subclass's constructor, among them `name`: `dict(locals())`.
        reparameterization_type: `tfd.FULLY_REPARAMETERIZED` if samples have gradients.
    """

    def __init__(self, parameters: dict, reparameterization_type=tfd.NOT_REPARAMETERIZED):
        super().__init__(
            dtype=tf.float32,
            reparameterization_type=reparameterization_type,
            validate_args=False,
            allow_nan_stats=True,
            parameters=parameters,
            name=parameters["name"],
        )
