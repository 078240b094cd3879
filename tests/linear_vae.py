"""VAEs with known weights: principal components, so that figures of them mean something without any training."""

import keras
import numpy as np

import keras_ae as kae


def principal_components(x, dim):
    """The mean of flattened examples, and their first components [dim, D] in units of a standard deviation."""
    flat = x.reshape(len(x), -1).astype(np.float64)
    _, scales, components = np.linalg.svd(flat - flat.mean(axis=0), full_matrices=False)
    components *= np.sign(components[np.arange(len(components)), np.abs(components).argmax(axis=1)])[:, np.newaxis]
    return flat.mean(axis=0), components[:dim], scales[:dim] / np.sqrt(len(x))


def linear_vae(x, dim=2, *, labels=None, slant=None):
    """A VAE whose encoder and decoder are the principal components of examples.

    With labels it is conditional, and the mean of each class is added to what is decoded. With a slant too, a number,
    the decoder adds its slope for each pixel.
    """
    mean, components, scales = principal_components(x, dim)
    num = len(mean)
    parts, rows = {}, []
    if labels is not None:
        parts["digit"] = kae.Categorical(10)
        rows += [x[labels == value].mean(axis=0).ravel() - mean for value in range(10)]
    if slant is not None:
        parts["slant"] = kae.Continuous()
        rows.append((x.reshape(len(x), -1) - mean).T @ (slant - slant.mean()) / len(x) / slant.std())
    condition = parts if len(parts) > 1 else next(iter(parts.values()), None)
    cls = kae.models.VAE if condition is None else kae.models.ConditionalVAE
    networks = [kae.networks.MLP([num], activation="linear") for _ in range(2)]
    options = {} if condition is None else {"condition": condition}
    model = cls(*networks, latent_dim=dim, likelihood=kae.likelihoods.Normal(0.2), **options)
    model.build((None, *x.shape[1:]))
    if slant is not None:
        model.condition.adapt({"digit": labels, "slant": slant})
    context = np.zeros([len(rows), num])
    weights = {
        "encoder": [np.concatenate([np.eye(num), context]), -mean],
        "posterior": [np.pad((components / scales[:, np.newaxis]).T, [(0, 0), (0, dim)]), np.zeros(2 * dim)],
        "decoder": [np.concatenate([components * scales[:, np.newaxis], *map(np.atleast_2d, rows)]), mean],
        "likelihood": [np.eye(num), np.zeros(num)],
    }
    for part, (kernel, bias) in weights.items():
        for weight in model.weights:
            if weight.path.split("/")[1] == part:
                weight.assign(kernel if weight.name == "kernel" else bias)
    model.compile(keras.optimizers.Adam(1e-3))
    return model
