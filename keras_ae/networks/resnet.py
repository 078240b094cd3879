from collections.abc import Sequence
from typing import Any

import keras

from keras_ae.networks.conv import ConvDecoder, ConvEncoder, Convolutional
from keras_ae.validation.arguments import MAX_DEPTH, check_size


class Residual(Convolutional):
    """Mixin of convolutional networks with residual blocks: `blocks` of them in each stage."""

    def __init__(
        self,
        filters: Sequence[int] = (32, 64),
        *,
        blocks: int = 2,
        kernel_size: int = 3,
        activation: str = "relu",
        **kwargs: Any,
    ):
        super().__init__(filters, kernel_size=kernel_size, activation=activation, **kwargs)
        self.blocks = check_size("blocks", blocks, high=MAX_DEPTH)

    def get_config(self):
        return {**super().get_config(), "blocks": self.blocks}


@keras.saving.register_keras_serializable(package="keras_ae")
class ResNetEncoder(Residual, ConvEncoder):
    """`ConvEncoder` with residual blocks after each convolution, for deeper networks.

    Args:
        filters: channels of each stage; every stage halves the length of each axis, rounding up.
        blocks: residual blocks per stage, with two convolutions each.
        kernel_size: length of the kernels along each axis.
        activation: activation of every layer, as Keras names them.

    Inputs and outputs are the same as for `ConvEncoder`.

    Example:
        >>> import numpy as np
        >>> ResNetEncoder([8, 16], blocks=1)(np.zeros([4, 28, 28, 1])).shape
        TensorShape([4, 784])

    References:
        He, Zhang, Ren and Sun 2016, arXiv:1512.03385.
    """

    def stage(self, axes: int, filters: int) -> list[keras.layers.Layer]:
        return [self.halving(axes, filters), *(self.residual_block(axes) for _ in range(self.blocks))]


@keras.saving.register_keras_serializable(package="keras_ae")
class ResNetDecoder(Residual, ConvDecoder):
    """The mirror image of `ResNetEncoder`: residual blocks before each transposed convolution.

    Args:
        filters: channels of each stage, as in the encoder; they are used from the last to the first.
        blocks: residual blocks per stage, with two convolutions each.
        kernel_size: length of the kernels along each axis.
        activation: activation of every layer, as Keras names them.

    Inputs and outputs are the same as for `ConvDecoder`.

    References:
        He, Zhang, Ren and Sun 2016, arXiv:1512.03385.
    """

    def stage(self, axes: int, filters: int) -> list[keras.layers.Layer]:
        return [*(self.residual_block(axes) for _ in range(self.blocks)), self.doubling(axes, filters)]
