"""The task of the training benchmark: network, objective, data and batch size."""

import dataclasses
import itertools

SIDE, PIXELS = 28, 784


@dataclasses.dataclass(frozen=True)
class Task:
    """A training task, the same for every contestant.

        x [N, 784] in [0, 1] -> encoder -> q(z|x) = N(loc, scale^2) -> z [D] -> decoder -> Bernoulli(logits) of x
        loss = reconstruction + KL, or the importance-weighted bound for several samples

    Args:
        name: name of the case.
        network: `"mlp"`, or `"conv"` for two convolutions with stride 2, as in `keras_ae.networks.ConvEncoder`.
        hidden: widths of the MLP's hidden layers, or channels of the convolutions.
        latent_dim: dimension of the code, D.
        batch_size: examples per step.
        num_examples: examples per epoch, N, a multiple of the batch size.
        num_samples: samples of the posterior per example, k.
        learning_rate: learning rate of Adam.
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
        object.__setattr__(self, "hidden", tuple(self.hidden))  # a list from JSON
        if self.num_examples % self.batch_size:
            raise ValueError(
                f"`num_examples` must be a multiple of `batch_size`. "
                f"Received: num_examples={self.num_examples}, batch_size={self.batch_size}"
            )

    def flop_per_example(self):
        """Returns the floating-point operations of a training step per example.

        A multiplication and an addition of the forward pass count as 2 operations, and the backward pass has twice as
        many. The decoder runs once per sample. Element-wise work and the optimizer do not count.
        """
        encoder, decoder = _mlp(self) if self.network == "mlp" else _conv(self)
        return 2 * 3 * (encoder + self.num_samples * decoder)


def _mlp(task):
    """Returns the multiplications of encoder and decoder per example."""
    encoder = [PIXELS, *task.hidden, 2 * task.latent_dim]
    decoder = [task.latent_dim, *task.hidden, PIXELS]
    return tuple(sum(a * b for a, b in itertools.pairwise(widths)) for widths in (encoder, decoder))


def _conv(task, kernel=3):
    first, second = task.hidden
    half, quarter = SIDE // 2, SIDE // 4
    features = quarter**2 * second
    encoder = kernel**2 * (half**2 * first + quarter**2 * first * second) + features * 2 * task.latent_dim
    # A transposed convolution multiplies once per input pixel; the last layer is linear over the channels.
    up = kernel**2 * (quarter**2 * second**2 + half**2 * second * first)
    return encoder, task.latent_dim * features + up + SIDE**2 * first
