import numpy as np
import pytest

import keras_ae as kae
from keras_ae.evaluate import classifier


@pytest.fixture
def trainings(monkeypatch):
    """How many examples each training had."""
    seen, train = [], classifier._train

    def counted(x, *arguments, **options):
        seen.append(len(x))
        return train(x, *arguments, **options)

    monkeypatch.setattr(classifier, "_train", counted)
    return seen


@pytest.mark.slow
def test_a_classifier_is_trained_once_for_its_data_and_arguments(digits, trainings, tmp_path):
    x, labels = digits[0][:60], digits[1][:60]
    first = kae.evaluate.train_classifier(x, labels, epochs=1, cache=tmp_path)
    again = kae.evaluate.train_classifier(x, labels, epochs=1, cache=tmp_path)
    assert trainings == [60] and len(list(tmp_path.iterdir())) == 1
    np.testing.assert_array_equal(again.predict(x, verbose=0), first.predict(x, verbose=0))
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(kept.read_bytes()[:1000])  # a file that is damaged is as good as none
    repaired = kae.evaluate.train_classifier(x, labels, epochs=1, cache=tmp_path)
    assert trainings == [60, 60]
    np.testing.assert_array_equal(repaired.predict(x, verbose=0), first.predict(x, verbose=0))


def test_other_data_or_arguments_are_another_classifier(digits):
    x, labels = digits[0][:8], digits[1][:8]
    keys = {
        classifier._key(x, labels, 0, 1, 128),
        classifier._key(x, labels, 1, 1, 128),
        classifier._key(x, labels, 0, 2, 128),
        classifier._key(x[::-1], labels, 0, 1, 128),
        classifier._key(x, labels[::-1], 0, 1, 128),
        classifier._key(x[:7], labels[:7], 0, 1, 128),
    }
    assert len(keys) == 6
    assert classifier._key(x, labels.astype(np.int64), 0, 1, 128) in keys  # the type of the integers does not matter
