"""Importance-weighted log-likelihood: keras_ae, the same loop by hand in one XLA program, and Pythae's `get_nll`.

    pip install -e ".[peers]"
    python benchmarks/likelihood.py                    # 200 images x 5,000 samples, 5 rounds, a minute or two a round
    python benchmarks/likelihood.py --samples 1000 --rounds 3

All have a VAE 784-200-200-50 with Bernoulli pixels and initial weights, float32, and the images are random bits. They
take turns in each round; the figures are medians of the time per image and sample, each of a whole call: wall-clock
time, and processor time, which depends less on what else runs on the machine. keras_ae and the loop by hand compile
their program within the call, as every user's call does. Pythae estimates one image after the other, so it gets fewer
images; it is run with its default `batch_size`, 100, and with all samples of an image at once.

The last lines are the ratios, and the means that keras_ae and the loop by hand estimate for the same weights, which
agree up to the noise of the samples.
"""

import argparse
import itertools
import statistics
import time

import keras
import numpy as np
import tensorflow as tf

import keras_ae as kae

CLOCKS = {"clock": time.perf_counter, "processors": time.process_time}
PIXELS, HIDDEN, DIM, PER_STEP, BATCH = 784, (200, 200), 50, 64, 100


def make_model():
    mlp = kae.networks.MLP
    model = kae.models.VAE(mlp(HIDDEN), mlp(HIDDEN), latent_dim=DIM)
    model.build((None, PIXELS))
    return model


def layers_of(part):
    """(kernel, bias) of each dense layer, in order."""
    weights = [tf.convert_to_tensor(weight) for weight in part.weights]
    return list(zip(weights[::2], weights[1::2], strict=True))


def by_hand(model, x, num_samples):
    """The same estimate with TensorFlow's functions alone: one XLA program with a running log-sum-exp."""
    encoder = [*layers_of(model.encoder), *layers_of(model.posterior_layer)]
    decoder = [*layers_of(model.decoder), *layers_of(model.likelihood_layer)]

    def network(layers, h):
        for kernel, bias in layers[:-1]:
            h = tf.nn.relu(h @ kernel + bias)
        return h @ layers[-1][0] + layers[-1][1]

    @tf.function(jit_compile=True, autograph=False)
    def run(x, seed):
        loc, raw = tf.split(network(encoder, x), 2, axis=-1)
        scale = tf.nn.softplus(raw) + 1e-5
        log_scale = tf.reduce_sum(tf.math.log(scale), axis=-1)

        def step(first, peak, total):
            noise = tf.random.stateless_normal([PER_STEP, BATCH, DIM], seed + first, alg="philox")
            z = loc + scale * noise
            logits = tf.reshape(network(decoder, tf.reshape(z, [-1, DIM])), [PER_STEP, BATCH, PIXELS])
            values = tf.broadcast_to(x, logits.shape)
            log_likelihood = -tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(values, logits), axis=-1)
            ratio = 0.5 * tf.reduce_sum(noise**2 - z**2, axis=-1) + log_scale
            numbers = first + tf.range(PER_STEP)[:, tf.newaxis]
            log_weights = tf.where(numbers < num_samples, log_likelihood + ratio, tf.float32.min)
            new_peak = tf.maximum(peak, tf.reduce_max(log_weights, axis=0))
            total = total * tf.exp(peak - new_peak) + tf.reduce_sum(tf.exp(log_weights - new_peak), axis=0)
            return first + PER_STEP, new_peak, total

        start = (tf.constant(0), tf.fill([BATCH], tf.float32.min), tf.zeros([BATCH]))
        _, peak, total = tf.while_loop(lambda first, *_: first < num_samples, step, start)
        return peak + tf.math.log(total / num_samples)

    parts = [x[start : start + BATCH] for start in range(0, len(x), BATCH)]
    return np.concatenate([run(part, tf.constant([number, 0])).numpy() for number, part in enumerate(parts)])


def pythae_model():
    """Pythae's VAE with these networks, or `None` where it is not installed."""
    try:
        import torch
        from pythae.models import VAE, VAEConfig
        from pythae.models.base.base_utils import ModelOutput
        from pythae.models.nn import BaseDecoder, BaseEncoder
    except ImportError:
        return None

    def network(*sizes):
        pairs = itertools.pairwise(sizes)
        layers = [layer for pair in pairs for layer in (torch.nn.Linear(*pair), torch.nn.ReLU())]
        return torch.nn.Sequential(*layers[:-1])

    class Encoder(BaseEncoder):
        def __init__(self):
            super().__init__()
            self.network = network(PIXELS, *HIDDEN, 2 * DIM)

        def forward(self, x):
            loc, log_variance = self.network(x).chunk(2, dim=-1)
            return ModelOutput(embedding=loc, log_covariance=log_variance)

    class Decoder(BaseDecoder):
        def __init__(self):
            super().__init__()
            self.network = network(DIM, *HIDDEN, PIXELS)

        def forward(self, z):
            return ModelOutput(reconstruction=torch.sigmoid(self.network(z)))

    config = VAEConfig(input_dim=(PIXELS,), latent_dim=DIM, reconstruction_loss="bce")
    return VAE(config, Encoder(), Decoder()).eval()


def pythae_nll(model, x, num_samples, batch_size):
    import torch

    with torch.no_grad():
        return model.get_nll(torch.from_numpy(x), n_samples=num_samples, batch_size=batch_size)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=200, help=f"a multiple of {BATCH}")
    parser.add_argument("--samples", type=int, default=5000)
    parser.add_argument("--pythae-images", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).integers(0, 2, [given.images, PIXELS]).astype("float32")
    model, peer, means = make_model(), pythae_model(), {}
    contestants = {
        "keras_ae": lambda: kae.evaluate.log_likelihood(model, x, num_samples=given.samples, batch_size=BATCH),
        "XLA by hand": lambda: by_hand(model, x, given.samples),
    }
    if peer is not None:
        few = x[: given.pythae_images]
        for size in (100, given.samples):
            name = f"Pythae, batch_size={size}"
            contestants[name] = lambda size=size: pythae_nll(peer, few, given.samples, size)
    times = {clock: {name: [] for name in contestants} for clock in CLOCKS}
    for number in range(given.rounds):
        order = list(contestants)
        for name in order if number % 2 == 0 else reversed(order):
            draws = given.samples * (given.pythae_images if name.startswith("Pythae") else given.images)
            started = {clock: now() for clock, now in CLOCKS.items()}
            means[name] = np.mean(contestants[name]())
            for clock, now in CLOCKS.items():
                times[clock][name].append((now() - started[clock]) / draws * 1e6)
            print(f"round {number + 1}: {name}, {times['clock'][name][-1]:.2f} us per image and sample", flush=True)
    print("\n| us per image and sample, median | clock | processors |\n|---|---|---|")
    for name in contestants:
        print(f"| {name} | {' | '.join(f'{statistics.median(times[clock][name]):.2f}' for clock in CLOCKS)} |")
    for clock, found in times.items():
        ratio = statistics.median(a / b for a, b in zip(found["keras_ae"], found["XLA by hand"], strict=True))
        print(f"\n{clock}: keras_ae takes {ratio:.2f} x the time of the loop by hand, the median of rounds")
        for name in contestants:
            if name.startswith("Pythae"):
                ratio = statistics.median(found[name]) / statistics.median(found["keras_ae"])
                print(f"{clock}: {name} takes {ratio:.1f} x the time of keras_ae")
    print(f"mean log-likelihood: keras_ae {means['keras_ae']:.3f}, by hand {means['XLA by hand']:.3f} nats")


if __name__ == "__main__":
    main()
