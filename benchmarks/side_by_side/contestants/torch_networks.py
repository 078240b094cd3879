"""The networks of the task in PyTorch, with the initial weights of Keras: Glorot uniform, and biases of 0."""

import itertools

from torch import nn

from side_by_side.task import PIXELS, SIDE


def encoder(task):
    """[B, 784] to [B, 2 * D]."""
    if task.network == "mlp":
        return _glorot(_mlp([PIXELS, *task.hidden, 2 * task.latent_dim]))
    first, second = task.hidden
    # The padding is on both sides, and in Keras on one side: the sizes and the work are the same.
    convolutions = [nn.Conv2d(1, first, 3, 2, 1), nn.ReLU(), nn.Conv2d(first, second, 3, 2, 1), nn.ReLU()]
    head = nn.Linear((SIDE // 4) ** 2 * second, 2 * task.latent_dim)
    return _glorot(nn.Sequential(nn.Unflatten(1, (1, SIDE, SIDE)), *convolutions, nn.Flatten(), head))


def decoder(task):
    """[B, D] to logits [B, 784]."""
    if task.network == "mlp":
        return _glorot(_mlp([task.latent_dim, *task.hidden, PIXELS]))
    first, second = task.hidden
    start = (second, SIDE // 4, SIDE // 4)
    up = [(second, second), (second, first)]
    layers = [nn.Linear(task.latent_dim, start[0] * start[1] * start[2]), nn.ReLU(), nn.Unflatten(1, start)]
    for channels in up:
        layers += [nn.ConvTranspose2d(*channels, 3, 2, 1, output_padding=1), nn.ReLU()]
    return _glorot(nn.Sequential(*layers, nn.Conv2d(first, 1, 1), nn.Flatten()))


def _mlp(widths):
    layers = []
    for before, after in itertools.pairwise(widths):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def _glorot(network):
    for layer in network:
        if hasattr(layer, "weight"):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    return network
