"""Every registered metric on small data: the options that make it quick, and a subject that has what it needs."""

import functools

import keras
import numpy as np

import keras_ae as kae
from keras_ae.evaluate import METRICS, Need, Subject

NUM = 48
LABELS = np.arange(NUM) % 3
RNG = np.random.default_rng(0)
IMAGES = (np.eye(3)[LABELS] @ RNG.random([3, 16]) * 0.8 + 0.2 * RNG.random([NUM, 16])).reshape(NUM, 4, 4, 1)
IMAGES = IMAGES.astype("float32")
SLANT = RNG.normal(size=NUM).astype("float32")
FACTORS = {"a": LABELS, "b": SLANT}
OPTIONS = {
    "active_units": {},
    "aggregate_kl": {"num_draws": 20},
    "beta_vae_score": {"num_train": 20, "num_eval": 20},
    "bits_per_dimension": {"num_samples": 4},
    "classification_accuracy_score": {"num_per_class": 4},
    "class_diversity": {},
    "column_distances": {},
    "conditional_accuracy": {"num_per_class": 4},
    "continuity": {"baselines": ("pca",)},
    "dci": {"num_seeds": 2},
    "distance_concentration": {"dims": (1, 4)},
    "downstream_accuracy": {"train_sizes": (10,), "num_seeds": 2},
    "elbo": {"num_samples": 2},
    "explicitness": {"num_seeds": 2},
    "factor_vae_score": {"num_train": 20, "num_eval": 20},
    "frechet_distance": {},
    "gaussian_mixture": {"num_seeds": 2},
    "hdbscan": {},
    "interventional_robustness": {},
    "kernel_distance": {},
    "kl_of_dimensions": {},
    "kmeans": {"num_seeds": 2},
    "knn_accuracy": {"baselines": ("pca",)},
    "log_likelihood": {"num_samples": 4},
    "memorization": {},
    "model_clusters": {},
    "modularity": {"num_bins": 4},
    "mutual_information": {"num_draws": 20},
    "mutual_information_gap": {"num_bins": 4},
    "number_of_clusters": {"candidates": (2, 3), "num_seeds": 2},
    "precision_recall": {},
    "predictive_checks": {"num": 3},
    "property_error": {},
    "rate_distortion": {"num_samples": 4, "betas": (0.5, 1.0)},
    "reconstruction": {"num_samples": 2},
    "searched_codes": {"num": 3, "steps": 2},
    "separated_attribute_predictability": {"num_seeds": 2},
    "trustworthiness": {"baselines": ("pca",)},
    "two_sample_classifier": {},
    "unlike_data": {},
    "unsupervised_disentanglement_ranking": {"num_resamples": 3},
    "unsupervised_scores": {"num_bins": 4},
}

TRAINS = ("classification_accuracy_score", "conditional_accuracy", "property_error")  # a network, for seconds


@functools.cache
def model_for(name):
    """An untrained model that has the metric `name`, and the axes of its examples."""
    need, event = METRICS[name].needs, (4, 4, 1)
    if Need.VECTORS in need or name == "bits_per_dimension":
        model, event = kae.models.VAE(latent_dim=2, likelihood="normal"), (16,)
    elif name == "property_error":
        model = kae.models.ConditionalVAE(latent_dim=2, condition={"slant": kae.Continuous()})
    elif Need.CLASSES in need:
        model = kae.models.ConditionalVAE(latent_dim=2, condition=kae.Categorical(3))
    elif name == "model_clusters":
        model = kae.models.GaussianMixtureVAE(latent_dim=2, components=3, objective="elbo")
    else:
        model = kae.models.VAE("mlp", "mlp", latent_dim=2)
    keras.utils.set_random_seed(0)
    model.build((None, *event))
    return model, event


def subject_for(name, x=IMAGES, labels=LABELS, *, reference=IMAGES, factors=FACTORS, slant=SLANT):
    """A subject that has everything that the metric `name` needs."""
    model, event = model_for(name)
    x, reference = (each.reshape(len(each), *event) if each[:1].size == 16 else each for each in (x, reference))
    condition = {"slant": slant[: len(x)]} if name == "property_error" else None
    properties = {"label": np.resize(LABELS, len(reference)), "slant": np.resize(SLANT, len(reference))}
    factors = {key: values[: len(x)] for key, values in factors.items()}
    given = {"factors": factors, "condition": condition, "reference": (reference, properties)}

    def make():
        return Subject(model, x, labels[: len(x)] if len(labels) == NUM else labels, extractor="raw values", **given)

    subject = make()
    subject.other_seeds = [make()]
    return subject


def has_a_width(measurement):
    """Whether the standard error is above 0, and the interval wider than the rounding of float32, if it has them."""
    interval, error = measurement.interval, measurement.standard_error
    return (error is None or error > 0) and (interval is None or np.ptp(interval) > 2e-6 * abs(measurement.value))
