"""The likelihood metrics of a `Subject`."""

import numpy as np

from keras_ae.evaluate.likelihood.aggregate import kl_decomposition_of
from keras_ae.evaluate.likelihood.dimensions import active_units as active
from keras_ae.evaluate.likelihood.dimensions import kl_of_dimensions_of
from keras_ae.evaluate.likelihood.elbo import bits_per_dimension as to_bits
from keras_ae.evaluate.likelihood.elbo import elbo_of, has_closed_kl, meaning_of_bits
from keras_ae.evaluate.likelihood.log_likelihood import check_density, diagnosed
from keras_ae.evaluate.likelihood.rate_distortion import BETAS, rate_distortion_of
from keras_ae.evaluate.metric import Need, NotApplicableError, metric
from keras_ae.evaluate.statistics import bootstrap_measurement, mean_measurement


def _importance_sampling(subject, num_samples):
    check_density(subject.model)

    def sample():
        batches = subject.batches("log-likelihood")
        return diagnosed(subject.model, batches, num_samples=num_samples, seed=subject.seed)

    return subject.once(("importance_sampling", num_samples), sample)


def _elbo(subject, num_samples):
    def compute():
        batches = subject.batches("ELBO")
        return elbo_of(subject.model, batches, num_samples=num_samples, seed=subject.seed)

    return subject.once(("elbo", num_samples), compute)


def _kl_decomposition(subject, num_draws):
    def decompose():
        batches, options = subject.batches("codes"), {"num_draws": num_draws, "seed": subject.seed}
        return kl_decomposition_of(subject.model, batches, **options, verbose=subject.verbose)

    return subject.once(("kl_decomposition", num_draws), decompose)


@metric("likelihood", Need.DENSITY)
def log_likelihood(subject, *, num_samples=500):
    """Importance-weighted estimate of log p(x), the mean over examples, with its diagnostics.

    Also gives the effective sample size of the weights, from 1 to K. The details have the bound with fewer samples: a
    curve that still rises asks for more of them.

    Args:
        subject: a `Subject`.
        num_samples: importance samples per example, K.
    """
    found = _importance_sampling(subject, num_samples)
    protocol = (
        f"{num_samples} importance samples per example, {len(found.log_likelihood)} examples; interval of the mean"
    )
    details = {
        "num_samples": found.sizes.tolist(),
        "bound": found.bounds.mean(axis=1).tolist(),
        "standard_error_from_samples": float(np.sqrt(np.sum(found.standard_error**2)) / len(found.standard_error)),
        "bias": float(found.bias.mean()),
    }
    fields = {"unit": "nats", "better": "higher", "protocol": protocol, "details": details}
    yield mean_measurement("log_likelihood", found.log_likelihood, **fields)
    quantiles = {str(q): float(np.quantile(found.effective_sample_size, q)) for q in (0.05, 0.5, 0.95)}
    fields = {"unit": "samples", "better": "higher", "protocol": protocol, "details": {"quantiles": quantiles}}
    yield mean_measurement("effective_sample_size", found.effective_sample_size, **fields)


@metric("likelihood", Need.DENSITY)
def bits_per_dimension(subject, *, num_samples=500, levels=None):
    """The importance-weighted estimate of -log p(x) in bits per value of an example, the mean over examples.

    Args:
        subject: a `Subject`.
        num_samples: importance samples per example, K.
        levels: for a density of dequantized values in [0, 1], the number of levels that they stand for.
    """
    meaning = meaning_of_bits(subject.model, subject.examples, levels)
    found = _importance_sampling(subject, num_samples)
    size = int(np.prod(subject.model.event_shape))
    values = to_bits(found.log_likelihood, size, levels=levels)
    protocol = f"{meaning}; {num_samples} importance samples per example, {len(values)} examples; interval of the mean"
    yield mean_measurement("bits_per_dimension", values, unit="bits", better="lower", protocol=protocol)


@metric("likelihood", Need.PRIOR)
def elbo(subject, *, num_samples=10):
    """The evidence lower bound and the KL of q(z|x) from the prior, means over examples.

    Args:
        subject: a `Subject`.
        num_samples: draws from q(z|x) per example.
    """
    terms = _elbo(subject, num_samples)
    if "elbo" not in terms:
        raise NotApplicableError(f"{type(subject.model).__name__} has no ELBO: its posterior has no density.")
    kind = "in closed form" if has_closed_kl(subject.model) else "from the same draws"
    protocol = f"{num_samples} draws per example, KL {kind}, {len(terms['elbo'])} examples; interval of the mean"
    yield mean_measurement("elbo", terms["elbo"], unit="nats", better="higher", protocol=protocol)
    yield mean_measurement("kl", terms["kl"], unit="nats", protocol=protocol)


@metric("likelihood", Need.MODEL)
def reconstruction(subject, *, num_samples=10):
    """The reconstruction -log p(x|z) at codes of q(z|x), the mean over examples.

    Args:
        subject: a `Subject`.
        num_samples: draws from q(z|x) per example.
    """
    values = _elbo(subject, num_samples)["reconstruction"]
    protocol = f"{num_samples} draws per example, {len(values)} examples; interval of the mean"
    yield mean_measurement("reconstruction", values, unit="nats", better="lower", protocol=protocol)


@metric("likelihood", Need.DENSITY)
def rate_distortion(subject, *, num_samples=500, betas=BETAS):
    """Rate and distortion of the exact posterior, and their curve over its inverse temperature beta.

    The measurements are at beta = 1, where rate + distortion = -log p(x); the details have the curve, and the point
    (KL, reconstruction) of the encoder.

    Args:
        subject: a `Subject`.
        num_samples: importance samples per example, K.
        betas: weights of the distortion.
    """
    check_density(subject.model)
    betas, batches = sorted({1.0, *betas}), subject.batches("rate-distortion")
    options = {"betas": betas, "num_samples": num_samples, "seed": subject.seed}
    curve, terms = rate_distortion_of(subject.model, batches, **options), _elbo(subject, 10)
    details = {
        "beta": betas,
        "rate": curve.rate.mean(axis=1).tolist(),
        "distortion": curve.distortion.mean(axis=1).tolist(),
        "effective_sample_size": np.median(curve.effective_sample_size, axis=1).tolist(),
        "encoder": {"rate": float(terms["kl"].mean()), "distortion": float(terms["reconstruction"].mean())},
    }
    one = betas.index(1.0)
    protocol = (
        f"beta 1, {num_samples} importance samples per example, {curve.rate.shape[1]} examples; interval of the mean"
    )
    yield mean_measurement("rate", curve.rate[one], unit="nats", protocol=protocol, details=details)
    yield mean_measurement("distortion", curve.distortion[one], unit="nats", better="lower", protocol=protocol)


@metric("likelihood", Need.DENSITY)
def kl_of_dimensions(subject):
    """The KL of each latent dimension: how many nats the largest one carries.

    The details have the mean KL of every dimension, the largest first.

    Args:
        subject: a `Subject`.
    """
    kls = kl_of_dimensions_of(subject.model, subject.batches("KL of dimensions"), seed=subject.seed)
    order = np.argsort(-kls.mean(axis=0), kind="stable")
    details = {"dimension": order.tolist(), "kl": kls.mean(axis=0)[order].tolist()}
    protocol = f"closed form of each dimension, {len(kls)} examples; interval of the mean"
    yield mean_measurement("largest_kl", kls[:, order[0]], unit="nats", protocol=protocol, details=details)


@metric("likelihood", Need.DENSITY)
def active_units(subject, *, threshold=0.01):
    """The number of latent dimensions whose posterior means vary over the data.

    Args:
        subject: a `Subject` with at least two examples.
        threshold: variance above which a dimension is active.
    """
    found = active(subject.codes, threshold=threshold)
    variances = np.var(subject.codes.astype(np.float64), axis=0, ddof=1)
    protocol = f"variance above {threshold:g} over {len(subject.codes)} examples; normal interval of 100 bootstraps"
    details = {"active": found.tolist(), "variance": variances.tolist()}
    fields = {"unit": "dimensions", "protocol": protocol, "details": details, "bounds": (0.0, float(len(found)))}

    def count(codes):
        return float(active(codes, threshold=threshold).sum())

    yield bootstrap_measurement("active_units", count, subject.codes, num=100, seed=subject.seed, **fields)


@metric("likelihood", Need.MODEL)
def mutual_information(subject, *, num_draws=1000):
    """The mutual information of example and code under q, at most log N.

    Args:
        subject: a `Subject`.
        num_draws: draws (x, z).
    """
    found = _kl_decomposition(subject, num_draws)
    protocol = f"{num_draws} draws, q(z) over all {found.num_examples} examples; interval of the draws"
    details = {"largest_possible": float(np.log(found.num_examples))}
    yield mean_measurement(
        "mutual_information", found.mutual_information, unit="nats", protocol=protocol, details=details
    )


@metric("likelihood", Need.PRIOR)
def aggregate_kl(subject, *, num_draws=1000):
    """The KL of the aggregate posterior q(z) from the prior: what sampling from the prior misses.

    Args:
        subject: a `Subject`.
        num_draws: draws (x, z).
    """
    found = _kl_decomposition(subject, num_draws)
    if found.aggregate_kl is None:
        raise NotApplicableError(
            f"{type(subject.model).__name__} has no KL of the aggregate posterior: its prior depends on the condition."
        )
    protocol = f"{num_draws} draws, q(z) over all {found.num_examples} examples; interval of the draws"
    yield mean_measurement("aggregate_kl", found.aggregate_kl, unit="nats", better="lower", protocol=protocol)
