import numpy as np

from keras_ae.evaluate.classifier import train_classifier


def classification_accuracy_score(
    generated, asked, x, labels, *, epochs: int | None = None, seed: int = 0
) -> np.ndarray:
    """Trains a classifier on generated examples alone and tests it on real ones ("CAS").

    It falls where generated examples look wrong, and where they are less diverse than real ones.

    Args:
        generated: generated images [M, H, W, C] in [0, 1].
        asked: integers [M] >= 0, the classes they were generated for.
        x: held-out real images [N, H, W, C].
        labels: integers [N], the classes of the real images.
        epochs: passes over the generated images, as in `train_classifier`.
        seed: integer seed of the classifier.

    Returns:
        bool array [N], which real images are classified correctly; its mean is the score.

    Raises:
        ValueError: for examples that are not images, or labels that do not fit.

    References:
        Ravuri and Vinyals 2019, arXiv:1905.10887, section 3.
    """
    classifier = train_classifier(generated, np.asarray(asked), epochs=epochs, seed=seed)
    return classifier.predict(np.asarray(x), batch_size=500, verbose=0).argmax(axis=1) == np.asarray(labels)


def diversity_within_classes(features: np.ndarray, labels: np.ndarray) -> dict[int, float]:
    """Returns the mean squared distance of two examples of a class, for each class with at least two examples.

        2 / (n - 1) sum_i |f_i - mean f|^2 = mean over pairs i != j of |f_i - f_j|^2

    The ratio of generated to real examples is near 1 for a model that is as diverse as the data, and near 0 for one
    that draws the same picture again and again.

    Args:
        features: features [N, F].
        labels: integers [N].

    Example:
        >>> import numpy as np
        >>> diversity_within_classes(np.array([[0.0], [2.0], [5.0]]), np.array([0, 0, 1]))
        {0: 4.0}
    """
    features, labels = np.asarray(features, np.float64), np.asarray(labels)
    if features.ndim != 2 or labels.shape != (len(features),):
        raise ValueError(
            f"`features` and `labels` must be [N, F] and [N]. Received: {list(features.shape)}, {list(labels.shape)}"
        )
    found = {}
    for label in np.unique(labels):
        rows = features[labels == label]
        if len(rows) > 1:
            found[int(label)] = float(2.0 * rows.var(axis=0, ddof=1).sum())
    return found
