"""The metrics of latent honesty of a `Subject`."""

import numpy as np
import tensorflow as tf

from keras_ae.evaluate.example_details import example_details
from keras_ae.evaluate.latent_honesty.likeness import Likeness
from keras_ae.evaluate.latent_honesty.search import search_codes
from keras_ae.evaluate.metric import Need, NotApplicableError, metric
from keras_ae.evaluate.statistics import fraction_measurement, mean_measurement

_SHOWN = 16  # codes that the details have


def _likeness(subject, k, quantile):
    num = len(subject.reference_features)
    if num < k:
        raise NotApplicableError(f"Latent honesty needs at least k = {k} reference examples. Received: {num}")
    key = ("likeness", k, quantile)
    features = subject.reference_features, subject.real_features
    return subject.once(key, lambda: Likeness(*features, k=k, quantile=quantile))


def _protocol(subject, likeness):
    sizes = f"{len(likeness.reference)} training examples, threshold from {len(likeness.held_out)} held-out examples"
    return f"distance to neighbor {likeness.k} of {sizes} at quantile {likeness.quantile:g}; {subject.extractor[0]}"


@metric("latent_honesty", Need.GENERATES, Need.REFERENCE)
def unlike_data(subject, *, k=5, quantile=0.99):
    """The fraction of generated examples that are unlike data: farther from training examples than held-out ones are.

    A perfect model has 1 - quantile. The details have the samples least like data: number i is sample i of
    `model.sample(..., seed=subject.seed)` under the conditions of the data.

    Args:
        subject: a `Subject`.
        k: which nearest training example is measured.
        quantile: the fraction of held-out examples that are like data by definition.
    """
    likeness = _likeness(subject, k, quantile)
    scores = likeness.scores(subject.generated_features)
    order = np.argsort(-scores, kind="stable")
    worst = order[:_SHOWN]
    details = {
        "threshold": likeness.threshold,
        "median_score": float(np.median(scores)),
        "median_score_of_data": float(np.median(likeness.held_out)),
        "worst_samples": worst.tolist(),
        "worst_scores": scores[worst].tolist(),
    }
    shown = {"least like data": subject.generated[worst], "most like data": subject.generated[order[::-1][:_SHOWN]]}
    details |= example_details(shown)
    protocol = f"{len(scores)} generated examples; {_protocol(subject, likeness)}; Wilson's interval"
    yield fraction_measurement(
        "unlike_data", scores > likeness.threshold, better="lower", protocol=protocol, details=details
    )


@metric("latent_honesty", Need.GENERATES, Need.REFERENCE)
def searched_codes(subject, *, k=5, quantile=0.99, num=50, steps=50):
    """The fraction of searches within the typical set of the prior that end at a code unlike data.

    Also gives how far they get: the score of the code that is found, relative to the threshold. The details have the
    codes whose examples are least like data, and show these beside the examples where their searches started.

    Args:
        subject: a `Subject`.
        k: which nearest training example is measured.
        quantile: the fraction of held-out examples that are like data by definition.
        num: number of searches.
        steps: steps of gradient ascent of each search.
    """
    likeness = _likeness(subject, k, quantile)
    condition = subject.conditions
    if condition is not None:
        rows = np.arange(num) % len(subject.examples)
        condition = tf.nest.map_structure(lambda values: values[rows], condition)
    extractor = subject.feature_network
    if extractor is None and subject.extractor[0] != "raw values":
        extractor = subject.extractor[1]
    options = {"num": num, "steps": steps, "seed": subject.seed, "verbose": int(subject.verbose)}
    found = search_codes(subject.model, likeness, condition, extractor=extractor, **options)
    details = {
        "codes": found.codes[:_SHOWN].tolist(),
        "scores": found.scores[:_SHOWN].tolist(),
        "unlike_at_the_start": float(np.mean(found.starts > likeness.threshold)),
        "threshold": likeness.threshold,
    }
    starts = subject.model.sample_codes(num, condition, seed=subject.seed)
    starts = subject.model.decode(starts, condition).numpy()[found.rows]
    details |= example_details({"found": found.examples, "start": starts})
    protocol = f"{num} searches of {steps} steps; {_protocol(subject, likeness)}"
    fields = {"better": "lower", "protocol": protocol}
    yield fraction_measurement("searched_codes", found.unlike, **fields, details=details)
    yield mean_measurement("relative_score", found.scores / likeness.threshold, **fields)
