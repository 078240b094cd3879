"""What is trained: the network, the objective, the data and the batch."""

import dataclasses
import itertools

SIDE, PIXELS = 28, 784


@dataclasses.dataclass(frozen=True)
class Task:
    """A training task that every contestant is given in the same words.

        x [N, 784] in [0, 1] -> encoder -> q(z|x) = N(loc, scale^2) -> z [D] -> decoder -> Bernoulli(logits) of x
        loss = reconstruction + KL, or the importance-weighted bound where there is more than one sample

    Args:
        name: of the case.
        network: `"mlp"`, or `"conv"` for two layers of stride 2 each way, as `keras_ae.networks.ConvEncoder` has them.
        hidden: widths of the MLP's hidden layers, or channels of the convolutions.
        latent_dim: dimension of the code, D.
        batch_size: examples a step.
        num_examples: examples an epoch, N, a multiple of the batch.
        num_samples: samples of the posterior an example, k.
        learning_rate: of Adam.
    """

    name: str
    network: str = "mlp"
    hidden: tuple = (200, 200)
    latent_dim: int = 16
    batch_size: int = 128
    num_examples: int = 29_952
    num_samples: int = 1
    learning_rate: float = 1e-3

    def __post_init__(self):
        object.__setattr__(self, "hidden", tuple(self.hidden))  # a list, where it comes from JSON
        if self.num_examples % self.batch_size:
            raise ValueError(
                f"`num_examples` must be a multiple of `batch_size`. "
                f"Received: num_examples={self.num_examples}, batch_size={self.batch_size}"
            )

    def flop_per_example(self):
        """Floating-point operations of a training step, an example.

        A product of the forward pass counts 2 for each multiplication and addition, and comes back twice in the
        backward pass. The decoder runs once a sample. Element-wise work and the optimizer are not counted.
        """
        encoder, decoder = _mlp(self) if self.network == "mlp" else _conv(self)
        return 2 * 3 * (encoder + self.num_samples * decoder)


def _mlp(task):
    """Multiplications of the encoder and of the decoder, an example."""
    encoder = [PIXELS, *task.hidden, 2 * task.latent_dim]
    decoder = [task.latent_dim, *task.hidden, PIXELS]
    return tuple(sum(a * b for a, b in itertools.pairwise(widths)) for widths in (encoder, decoder))


def _conv(task, kernel=3):
    first, second = task.hidden
    half, quarter = SIDE // 2, SIDE // 4
    features = quarter**2 * second
    encoder = kernel**2 * (half**2 * first + quarter**2 * first * second) + features * 2 * task.latent_dim
    # A transposed convolution multiplies once for each input pixel; the last layer is linear over the channels.
    up = kernel**2 * (quarter**2 * second**2 + half**2 * second * first)
    return encoder, task.latent_dim * features + up + SIDE**2 * first
