import keras


class ResidualBlock(keras.layers.Layer):
    """y = activation(x + F(x)), with F two convolutions that keep size and channels, an activation between them.

    The second convolution starts at zero: for x >= 0, as a ReLU leaves it, the block starts as the identity. So there
    is no need of a normalisation over the batch, which would make an example depend on the others.

    Args:
        convolution: function of (channels, activation, initializer of the kernel) to a layer.
        activation: as Keras names them.

    References:
        He, Zhang, Ren and Sun 2016, arXiv:1512.03385, equation 1; Zhang, Dauphin and Ma 2019, arXiv:1901.09321, for the
        start at zero.
    """

    def __init__(self, convolution, activation, **kwargs):
        super().__init__(**kwargs)
        self.convolution = convolution
        self.last = keras.layers.Activation(activation)

    def build(self, input_shape):
        channels = input_shape[-1]
        self.layers = [
            self.convolution(channels, self.last.activation, "glorot_uniform"),
            self.convolution(channels, None, "zeros"),
        ]
        for layer in self.layers:
            layer.build(input_shape)

    def call(self, x):
        change = x
        for layer in self.layers:
            change = layer(change)
        return self.last(x + change)

    def compute_output_shape(self, input_shape):
        return input_shape
