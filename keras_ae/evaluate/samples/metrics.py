"""The sample metrics of a `Subject`."""

import dataclasses

import numpy as np

from keras_ae.conditions import Categorical
from keras_ae.evaluate.example_details import example_details
from keras_ae.evaluate.metric import Measurement, Need, NotApplicableError, metric
from keras_ae.evaluate.regressor import train_regressor
from keras_ae.evaluate.samples import tables
from keras_ae.evaluate.samples.classification_score import classification_accuracy_score as classifier_hits
from keras_ae.evaluate.samples.classification_score import diversity_within_classes
from keras_ae.evaluate.samples.conditional_accuracy import conditional_accuracy as accuracy_of_classes
from keras_ae.evaluate.samples.frechet_distance import frechet_distance as distance_of_moments
from keras_ae.evaluate.samples.kernel_distance import kernel_distance as distance_of_kernels
from keras_ae.evaluate.samples.manifold_overlap import manifold_overlap
from keras_ae.evaluate.samples.memorization import memorization as distances_to_training
from keras_ae.evaluate.statistics import area_under_roc, error_measurement, fraction_measurement, mean_measurement

_FEWEST_ROWS = 10  # with fewer, a row may be in every tree


@metric("samples", Need.GENERATES)
def frechet_distance(subject):
    """Frechet distance of generated and real examples in the features of the extractor (FID), and its floor.

    The floor is the distance of training to held-out examples in equal numbers: what a perfect model would reach.

    Args:
        subject: a `Subject`.
    """
    yield from _distance_and_floor(subject, "frechet_distance", lambda x, y: (distance_of_moments(x, y), None))


@metric("samples", Need.GENERATES)
def kernel_distance(subject):
    """Kernel distance of generated and real examples in the features of the extractor (KID), and its floor.

    Args:
        subject: a `Subject`.
    """

    yield from _distance_and_floor(
        subject, "kernel_distance", lambda x, y: dataclasses.astuple(distance_of_kernels(x, y))
    )


def _distance_and_floor(subject, name, distance):
    pairs = {name: (subject.generated_features, subject.real_features, "generated and real examples")}
    if subject.reference is not None:
        pairs[f"{name}.floor"] = (subject.reference_features, subject.real_features, "training and held-out examples")
    for each, (first, second, what) in pairs.items():
        value, error = distance(first, second)
        protocol = f"{len(first)} and {len(second)} {what}; {subject.extractor[0]}"
        better = "lower" if each == name else ""
        yield error_measurement(each, value, error, better=better, protocol=protocol)


@metric("samples", Need.GENERATES)
def precision_recall(subject, *, k=5, max_examples=5000):
    """Precision and density (quality), recall and coverage (diversity) in the features of the extractor.

    Args:
        subject: a `Subject`.
        k: number of neighbors.
        max_examples: largest number of examples of each kind; the time grows with its square.
    """
    real, generated = subject.real_features[:max_examples], subject.generated_features[:max_examples]
    if len(real) <= k:
        raise NotApplicableError(f"precision_recall needs more than k = {k} examples. Received: {len(real)}")
    found = manifold_overlap(real, generated, k=k)
    protocol = f"{len(real)} real and {len(generated)} generated examples, k = {k}; {subject.extractor[0]}"
    for name, values in found.hits.items():
        measured = mean_measurement if name == "density" else fraction_measurement
        yield measured(name, values, better="higher", protocol=protocol)


@metric("samples", Need.GENERATES, Need.REFERENCE)
def memorization(subject):
    """Whether generated examples are closer to training examples than held-out examples are: 0.5 without copying.

    The details show the generated examples that are closest to training examples.

    Args:
        subject: a `Subject`.
    """
    training = subject.features(subject.reference)
    found = distances_to_training(training, subject.real_features, subject.generated_features)
    protocol = (
        f"Mann-Whitney statistic of distances to the nearest of {len(training)} training examples, for "
        f"{len(subject.generated)} generated and {len(subject.examples)} held-out examples; {subject.extractor[0]}"
    )
    order = np.argsort(found.distances)[:10]
    copies, originals = subject.generated[order], subject.reference[found.nearest[order]]
    details = {"generated_rows": order.tolist(), "training_rows": found.nearest[order].tolist()}
    details |= example_details({"generated": copies, "nearest in training": originals})
    yield Measurement(
        "memorization", found.closer, interval=found.interval, unit="probability", protocol=protocol, details=details
    )


@metric("samples", Need.CLASSES, Need.GENERATES, Need.IMAGES, Need.LABELED_REFERENCE)
def conditional_accuracy(subject, *, num_per_class=100):
    """Fraction of generated images that an independent classifier reads as the requested class.

    Args:
        subject: a `Subject`.
        num_per_class: generated images per class.
    """
    num, classes = subject.model.condition.num_classes, len(np.unique(subject.reference_labels))
    if classes < num or subject.classifier is None:
        raise NotApplicableError(
            f"conditional_accuracy needs a reference of all {num} classes, at least 2. Received: {classes}"
        )
    found = accuracy_of_classes(subject.model, subject.classifier, num_per_class=num_per_class, seed=subject.seed)
    total = int(found.confusion.sum())
    hits = np.arange(total) < found.confusion.trace()
    protocol = f"{num_per_class} generated images per class; classifier trained on the reference"
    details = {"confusion": found.confusion.tolist(), "per_class": found.per_class.tolist()}
    yield fraction_measurement("conditional_accuracy", hits, better="higher", protocol=protocol, details=details)
    if subject.labels is not None:
        read = subject.classifier.predict(subject.examples, batch_size=500, verbose=0).argmax(axis=1)
        hits = read == subject.class_numbers(subject.labels[subject.rows])
        protocol = f"the same classifier on {len(hits)} held-out images"
        yield fraction_measurement("conditional_accuracy.real", hits, protocol=protocol)


@metric("samples", Need.CLASSES, Need.GENERATES, Need.IMAGES, Need.LABELS)
def classification_accuracy_score(subject, *, num_per_class=500):
    """Accuracy on real images of a classifier that was trained on generated images alone (CAS).

    Args:
        subject: a `Subject`.
        num_per_class: generated images per class to train on.
    """
    asked = np.repeat(np.arange(subject.model.condition.num_classes), num_per_class)
    labels = subject.class_numbers(subject.labels[subject.rows])
    generated = subject.samples(len(asked), asked)
    hits = classifier_hits(generated, asked, subject.examples, labels, seed=subject.seed)
    protocol = f"trained on {num_per_class} generated images per class, tested on {len(hits)} held-out images"
    yield fraction_measurement("classification_accuracy_score", hits, better="higher", protocol=protocol)


@metric("samples", Need.CLASSES, Need.GENERATES, Need.LABELS)
def class_diversity(subject):
    """Mean squared distance of two generated examples of a class, divided by the distance of two real examples.

    Args:
        subject: a `Subject`.
    """
    labels = subject.class_numbers(subject.labels[subject.rows])
    asked = np.asarray(subject.conditions)
    asked = subject.class_numbers(asked)
    real = diversity_within_classes(subject.real_features, labels)
    generated = diversity_within_classes(subject.generated_features, asked)
    ratios = {label: generated[label] / real[label] for label in real if label in generated and real[label] > 0}
    if not ratios:
        raise NotApplicableError("class_diversity needs two different examples of a class.")
    protocol = f"mean over {len(ratios)} classes; {subject.extractor[0]}"
    details = {"per_class": {str(label): ratio for label, ratio in ratios.items()}}
    yield mean_measurement("class_diversity", list(ratios.values()), protocol=protocol, details=details)


@metric("samples", Need.GENERATES, Need.IMAGES, Need.LABELED_REFERENCE)
def property_error(subject, *, blur=1.0):
    """Error of properties measured on generated images against the requested values, in percent of their range.

    A network that is trained on the reference measures each property twice: on the image and the requested classes, and
    with the other requested properties known, too (`.given_others`). Its error on held-out images is the floor, which
    is high where an image does not determine the property. `.guess` is the error of the best guess without an image: a
    model that ignores the property reaches it.

    Args:
        subject: a `Subject` whose reference has the properties by name.
        blur: largest standard deviation, in pixels, of the blur of copies in the network's training, so that it does
            not read the blur of generated images as a property; 0 for a property that is about sharpness.
    """
    condition = subject.model.condition
    parts = {} if condition is None else condition.properties
    parts = {name: part for name, part in parts.items() if name in subject.reference_properties}
    names = [name for name, part in parts.items() if not isinstance(part, Categorical)]
    if not names:
        raise NotApplicableError(
            "property_error needs a model with a continuous condition that `reference` has by name."
        )
    truth, seen = _properties(parts, subject.reference_properties, len(subject.reference))
    ranges = truth.max(axis=0) - truth.min(axis=0)
    if not ranges.all():
        raise NotApplicableError("property_error needs a reference in which every property varies.")
    given = seen if seen.shape[1] else None
    regressor = train_regressor(subject.reference, truth, given, blur=blur, seed=subject.seed)
    unit = "% of range"
    asked, classes = _properties(parts, condition.by_name(subject.conditions), len(subject.examples))
    known = " and its classes" * bool(classes.shape[1])
    kinds = {"": f"the image{known}"}
    if len(names) > 1:
        kinds[".given_others"] = f"the image{known}, with the other properties known"
    for images, what, suffix in ((subject.generated, "generated", ""), (subject.examples, "real", ".floor")):
        for (kind, source), measured in zip(kinds.items(), regressor.measure(images, asked, classes), strict=False):
            protocol = f"mean absolute error on {len(images)} {what} images, measured by a network from {source}"
            better = "" if suffix else "lower"
            for column, name in enumerate(names):
                errors = np.abs(measured[:, column] - asked[:, column]) / ranges[column] * 100
                yield mean_measurement(f"{name}{kind}{suffix}", errors, better=better, unit=unit, protocol=protocol)
    for column, name in enumerate(names):
        known = (np.delete(np.hstack(each), column, axis=1) for each in ((truth, seen), (asked, classes)))
        errors = np.abs(_guesses(*known, truth[:, column]) - asked[:, column]) / ranges[column] * 100
        protocol = f"mean absolute error of the median given the classes and the other properties, of {len(errors)}"
        yield mean_measurement(f"{name}.guess", errors, unit=unit, protocol=protocol)


def _guesses(known, asked, values):
    """Returns estimates of the median of `values` [M] given the rows of `known` [M, K], for the rows `asked` [N, K]."""
    if not known.shape[1]:
        return np.full(len(asked), np.median(values))
    from sklearn.ensemble import HistGradientBoostingRegressor  # slow to import

    trees = HistGradientBoostingRegressor(loss="absolute_error", max_iter=50, early_stopping=False, random_state=0)
    return trees.fit(known, values).predict(asked)


def _properties(parts, values, num):
    """Returns the continuous properties [num, P] and the classes, as zeros and ones [num, K]."""
    numbers, classes = [], [np.zeros([num, 0])]
    for name, part in parts.items():
        if isinstance(part, Categorical):
            classes.append(np.eye(part.num_classes)[part.check(values[name], num)])
        else:
            numbers.append(np.ravel(values[name]))
    return np.stack(numbers, axis=1).astype(np.float32), np.concatenate(classes, axis=1).astype(np.float32)


@metric("samples", Need.GENERATES, Need.VECTORS)
def column_distances(subject):
    """Distance of generated and real values: of single columns, and of the correlations of pairs of columns.

    Args:
        subject: a `Subject`.
    """
    real, generated = (x.reshape(len(x), -1) for x in (subject.examples, subject.generated))
    distances = tables.marginal_distances(real, generated)
    protocol = f"{len(real)} real and {len(generated)} generated examples"
    yield Measurement(
        "marginal_distance",
        float(distances.mean()),
        unit="standard deviations",
        better="lower",
        protocol=f"Wasserstein distance, mean over {len(distances)} columns; {protocol}",
        details={"per_column": distances.tolist()},
    )
    if real.shape[1] > 1:
        value = tables.correlation_distance(real, generated)
        yield Measurement("correlation_distance", value, better="lower", protocol=f"mean over pairs; {protocol}")


@metric("samples", Need.GENERATES, Need.VECTORS)
def two_sample_classifier(subject, *, max_examples=5000):
    """Area under the ROC curve of a classifier of generated against real examples: 0.5 if it cannot distinguish them.

    Args:
        subject: a `Subject`.
        max_examples: largest number of examples of each kind.
    """
    real, generated = (
        x[:max_examples].reshape(len(x[:max_examples]), -1) for x in (subject.examples, subject.generated)
    )
    if len(real) < _FEWEST_ROWS:
        raise NotApplicableError(f"two_sample_classifier needs at least {_FEWEST_ROWS} examples. Received: {len(real)}")
    value, interval = area_under_roc(*tables.two_sample_scores(real, generated, seed=subject.seed))
    protocol = f"random forest, scored out of bag; {len(real)} real and {len(generated)} generated examples"
    yield Measurement("two_sample_auroc", value, interval=interval, better="lower", protocol=protocol)
