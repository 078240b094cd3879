"""The detector keeps scikit-learn's conventions, and its rate of false alarms."""

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.base import clone
from tiers import first

import keras_ae as kae
import keras_ae.outliers.detector
from keras_ae.outliers import SCORES, OutlierDetector, choose_model, explain, outlier_statistics
from keras_ae.outliers.references import fit_references

RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=[300, 5]) @ RNG.normal(size=[5, 5])


@pytest.fixture(scope="module")
def detector():
    return OutlierDetector(contamination=0.1, epochs=30, random_state=0).fit(TABLE)


@pytest.fixture(scope="module")
def model(digits):
    model = kae.models.VAE(latent_dim=4)
    model.compile()
    model.fit(digits[0][:700], epochs=5, verbose=0)
    return model


@pytest.fixture(scope="module")
def untrained():
    model = kae.models.VAE(kae.networks.MLP([16]), kae.networks.MLP([16]), latent_dim=2)
    model.build((None, 8, 8, 1))
    return model


def test_signs_and_the_threshold(detector):
    found = detector.decision_function(TABLE)
    np.testing.assert_array_equal(detector.predict(TABLE), np.where(found < 0, -1, 1))
    assert (found < 0).sum() == 30
    np.testing.assert_allclose(found, detector.score_samples(TABLE) - detector.offset_)
    far = TABLE[:20] + 30.0
    assert (detector.predict(far) == -1).all() and detector.p_values(far).max() == 1 / 31


def test_a_value_that_overflows_is_an_outlier(detector):
    """Its score is not a number, and counts as the largest."""
    x = TABLE[:3].copy()
    x[1, 2] = 1e30
    assert detector.score_samples(x)[1] == -np.inf and np.isfinite(detector.score_samples(x)[[0, 2]]).all()
    assert detector.predict(x)[1] == -1 and detector.flag(x, false_alarms=0.1)[1]
    assert detector.p_values(x)[1] == 1 / 31


def test_a_clone_has_the_arguments_and_gives_the_same_answers(detector):
    again = clone(detector).fit(TABLE)
    assert again.get_params() == detector.get_params() and not hasattr(clone(detector), "model_")
    # The same steps in the same process.
    np.testing.assert_allclose(again.score_samples(TABLE), detector.score_samples(TABLE), rtol=1e-3, atol=1e-3)


def test_false_alarms_of_a_trained_model(model, digits):
    """Fresh digits are flagged as often as asked: within the binomial interval of 99.9%, of both draws."""
    x = digits[0][700:]
    order = RNG.permutation(len(x))
    detector = OutlierDetector(model, random_state=0).fit(x[order[:700]])
    fresh = x[order[700:]]
    for rate in (0.02, 0.1):
        hits = detector.flag(fresh, false_alarms=rate).sum()
        # The 350 calibration scores vary, too: twice the variance and more.
        low, high = binom.ppf([0.0005, 0.9995], len(fresh), rate)
        assert low / 2 <= hits <= 2 * high
    with pytest.raises(
        ValueError, match=r"`false_alarms` must be at least 0.0028, which 350 held-out examples can tell"
    ):
        detector.flag(fresh, false_alarms=0.001)


def test_unusual_for_its_condition(digits):
    x, labels = digits
    model = kae.models.ConditionalVAE(latent_dim=4, condition=kae.Categorical(10))
    model.compile()
    model.fit(x[:1000], labels[:1000], epochs=20, verbose=0)
    detector = OutlierDetector(model, condition=labels[1000:1500], random_state=0).fit(x[1000:1500])
    right = detector.score_samples(x[1500:], labels[1500:])
    wrong = detector.score_samples(x[1500:], (labels[1500:] + 1) % 10)
    assert np.mean(wrong < right) > 0.8  # the density of 4 codes does not see the condition


def test_drift_and_discoveries(detector):
    assert detector.drift(TABLE[:150] * 3.0).p_value < 1e-3
    found = detector.discoveries(np.concatenate([TABLE[:40], TABLE[:20] + 30.0]), rate=0.2)
    assert found[40:].all() and found[:40].sum() <= 10


def test_names_of_columns(detector):
    import pandas as pd

    frame = pd.DataFrame(TABLE, columns=list("abcde"))
    named = OutlierDetector(epochs=1, random_state=0).fit(frame)
    assert list(named.feature_names_in_) == list("abcde") and named.n_features_in_ == 5
    with pytest.raises(ValueError, match="feature names"):
        named.predict(frame.rename(columns={"a": "z"}))


def test_the_explanation_names_the_strange_column(detector):
    strange = TABLE[:10].copy()
    strange[:, 3] += 40.0
    found = explain(detector, strange, TABLE)
    assert (found.surprise.argmax(axis=1) == 3).mean() > 0.8
    scaled = detector.scaling_(strange)
    z = detector.model_.encode(scaled)
    expected = -detector.model_.likelihood(z).log_prob(scaled).numpy()
    np.testing.assert_allclose(found.nats.sum(axis=1), expected, rtol=1e-4)
    statistics = outlier_statistics(detector.model_, scaled)
    np.testing.assert_allclose(found.deviance.sum(axis=1), statistics["deviance"], rtol=1e-4)
    assert found.counterfactual.shape == (10, 5) and ((found.distance >= 0) & (found.distance <= 1)).all()


@pytest.mark.parametrize(
    ("x", "likelihood"),
    [
        (RNG.random([20, 8, 8, 1]), "Bernoulli"),
        (RNG.integers(0, 256, [20, 8, 8, 1]), "Bernoulli"),
        (RNG.integers(0, 2, [20, 6]), "Bernoulli"),
        (RNG.poisson(5.0, [20, 6]), "NegativeBinomial"),
        (np.minimum(RNG.poisson(9.0, [20, 6]), 12), "Normal"),
        (RNG.normal(size=[20, 6]), "Normal"),
        (RNG.normal(size=[20, 6, 2]), "Normal"),
    ],
    ids=["images", "bytes", "binary", "counts", "levels", "reals", "windows"],
)
def test_the_likelihood_suits_the_data(x, likelihood):
    model, scaling = choose_model(x.astype(np.float32), 0)
    assert type(model.likelihood_layer).__name__ == likelihood
    scaled = scaling(x)
    assert scaled.dtype == np.float32 and (likelihood != "Bernoulli" or 0 <= scaled.min() <= scaled.max() <= 1)


@pytest.mark.parametrize(
    ("given", "x", "message"),
    [
        ({}, TABLE[:5], "5 sample"),
        ({}, np.full_like(TABLE, np.nan), "NaN"),
        ({}, TABLE * 1e300, "finite in float32"),
        ({"model": "vae"}, TABLE, "`model` must be a trained Autoencoder. Received: str"),
        ({"scoring": "elbow"}, TABLE, "`scoring` must be one of auto, .* Did you mean 'elbo'"),
        ({"scoring": 3}, TABLE, "`scoring` must be a name or a Score. Received: int"),
        ({"contamination": 0.7}, TABLE, r"`contamination` must be in \(0, 0.5\]. Received: 0.7"),
        ({"held_out": 1}, TABLE, r"`held_out` must be in \(0, 1\). Received: held_out=1"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning")
def test_bad_input_is_refused(given, x, message):
    with pytest.raises(ValueError, match=message):
        OutlierDetector(epochs=1, random_state=0, **given).fit(x)


def test_other_shapes_than_in_fit_are_refused(model, digits):
    detector = OutlierDetector(model, random_state=0).fit(digits[0][700:800])
    with pytest.raises(ValueError, match=r"`X` must have examples of shape \[8, 8, 1\], as in `fit`"):
        detector.predict(digits[0][:3, :, :7])


def test_a_copy_by_pickle_scores_as_the_detector_does(detector):
    import pickle

    again = pickle.loads(pickle.dumps(detector))
    for each in (detector, again):
        np.testing.assert_allclose(each.score_samples(TABLE[:5]), detector.score_samples(TABLE)[:5], rtol=1e-6)


@pytest.mark.slow
def test_scikit_learn_checks_the_estimator():
    from sklearn.utils.estimator_checks import check_estimator

    found = check_estimator(OutlierDetector(epochs=2), on_fail=None, on_skip=None)
    others = {each["check_name"]: (each["status"], each["exception"]) for each in found if each["status"] != "passed"}
    # Which scikit-learn skips where SCIPY_ARRAY_API is not set, or without array-api-strict.
    assert set(others) <= {"check_array_api_input"}, others
    assert all(status == "skipped" for status, _ in others.values()) and len(found) > 40


def test_a_file_has_the_whole_detector(detector, tmp_path):
    path = tmp_path / "detector.zip"
    detector.save(path)
    again = kae.outliers.load(path)
    assert [each.name for each in tmp_path.iterdir()] == ["detector.zip"]
    assert again.get_params() == detector.get_params()
    # The same function of the same numbers, but compiled again; scores are tens of squares of standardized logarithms.
    np.testing.assert_allclose(again.score_samples(TABLE), detector.score_samples(TABLE), rtol=1e-4)
    np.testing.assert_allclose(again.p_values(TABLE), detector.p_values(TABLE), atol=1.01 / 31)
    assert again.offset_ == detector.offset_ and again.n_features_in_ == 5
    with pytest.raises(ValueError, match="X has 4 features"):
        again.predict(TABLE[:, :4])
    again.save(path)  # over the older file


def test_a_file_from_before_the_relative_deviance_scores_as_it_did(digits, tmp_path, monkeypatch):
    """Its references lack the expected deviance: the score then has the shift of the code."""
    x = np.kron(digits[0][:100, ..., 0], np.ones([2, 2]))[..., np.newaxis]
    model = kae.models.VAE(kae.networks.MLP([16]), kae.networks.MLP([16]), latent_dim=2)
    model.build((None, 16, 16, 1))

    def earlier(*arguments):
        found = fit_references(*arguments)
        del found["expected_deviance"]
        return found

    now = OutlierDetector(model, random_state=0).fit(x[:60])
    assert "relative_deviance" in now._reference and "code_shift" not in now._reference
    monkeypatch.setattr(keras_ae.outliers.detector, "fit_references", earlier)
    before = OutlierDetector(model, random_state=0).fit(x[:60])
    assert "code_shift" in before._reference and "relative_deviance" not in before._reference
    for number, detector in enumerate((now, before)):
        path = tmp_path / f"{number}.zip"
        detector.save(path)
        found = kae.outliers.load(path).score_samples(x[60:])
        np.testing.assert_allclose(found, detector.score_samples(x[60:]), rtol=1e-5)


OF_A_VAE = [name for name in SCORES if name != "hierarchical_ratio"]


@pytest.mark.slow
@pytest.mark.parametrize("scoring", first(1, sorted(OF_A_VAE, key=["input_complexity", "code_density"].count)[::-1]))
def test_every_named_score_can_be_saved(untrained, digits, tmp_path, scoring):
    x = digits[0]
    detector = OutlierDetector(untrained, scoring=scoring, random_state=0).fit(x[:60])
    detector.save(tmp_path / "detector.zip")
    again = kae.outliers.load(tmp_path / "detector.zip")
    assert again.model is not None
    np.testing.assert_allclose(again.score_samples(x[60:70]), detector.score_samples(x[60:70]), rtol=1e-5)


def test_wrong_files_are_refused(detector, untrained, digits, tmp_path):
    path = tmp_path / "detector.zip"
    with pytest.raises(FileNotFoundError, match="There is no detector file"):
        kae.outliers.load(path)
    detector.save(path)
    content = path.read_bytes()
    place = content.index(b'"offset"')
    for wrong in (content[:-100], content[:place] + b"?" + content[place + 1 :], b"no file"):
        path.write_bytes(wrong)
        with pytest.raises(ValueError, match=r"detector.zip could not be read as a detector"):
            kae.outliers.load(path)
    scoring = kae.outliers.LikelihoodRatio(untrained)
    with pytest.raises(ValueError, match=r"`scoring` must be a name to be saved. Received: LikelihoodRatio"):
        OutlierDetector(untrained, scoring=scoring, random_state=0).fit(digits[0][:20]).save(path)
    with pytest.raises(ValueError, match="not fitted"):
        OutlierDetector().save(path)


@pytest.mark.slow
def test_constant_data_are_usual_and_everything_else_is_not(tmp_path):
    x = np.full([40, 3], 2.5)
    detector = OutlierDetector(epochs=1, random_state=0).fit(x)
    detector.save(tmp_path / "a.zip")
    for each in (detector, kae.outliers.load(tmp_path / "a.zip")):
        usual, strange = each.score_samples([[2.5, 2.5, 2.5], [2.5, 3.5, 2.5]])
        assert strange < usual


@pytest.fixture(scope="module")
def sequence():
    """Two columns of 1,000 rows, the second of which follows the first."""
    rng = np.random.default_rng(0)
    wave = np.sin(np.arange(1000) / 3.0) + 0.1 * rng.normal(size=1000)
    return np.stack([wave, 2.0 * wave + 0.1 * rng.normal(size=1000)], axis=1)


@pytest.mark.slow
def test_a_long_sequence_is_cut_into_windows(sequence, tmp_path):
    detector = OutlierDetector(window=12, epochs=30, contamination=0.05, random_state=0).fit(sequence)
    assert detector.model_.event_shape == (12, 2) and detector.n_features_in_ == 2
    x = sequence[:100].copy()  # 8 windows, and 4 rows
    x[50] = [3.0, -6.0]
    found = detector.score_samples(x)
    windows = detector.score_samples(np.concatenate([x[:96], x[-12:]]).reshape(9, 12, 2))
    np.testing.assert_allclose(found, np.repeat(windows, 12)[:100], rtol=1e-5)
    assert windows.argmin() == 4 and (detector.predict(x)[48:60] == -1).all()
    assert (
        detector.p_values(x).shape
        == detector.discoveries(x).shape
        == detector.flag(x, false_alarms=0.2).shape
        == (100,)
    )
    assert len(detector.calibrate(sequence).calibration_) == 84  # the last one ends with the last row
    np.testing.assert_allclose(detector.drift(sequence).p_value, 1.0)
    detector.save(tmp_path / "a.zip")
    again = kae.outliers.load(tmp_path / "a.zip")
    np.testing.assert_allclose(again.score_samples(x), found, rtol=1e-4)
    with pytest.raises(ValueError, match="X has 3 features"):
        again.predict(np.zeros([24, 3]))
    with pytest.raises(ValueError, match=r"`X` must be rows \[T, columns\] or windows \[N, 12, columns\]"):
        again.predict(np.zeros([2, 13, 2]))
    with pytest.raises(ValueError, match="Found array with 11 sample"):
        again.predict(sequence[:11])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"window": 0}, "`window` must be a positive integer. Received: window=0"),
        ({"window": 200}, "Found array with 1000 sample"),
        ({"window": 10, "condition": np.zeros(100)}, "`condition` must be None with a window. Received: ndarray"),
    ],
)
def test_wrong_windows_are_refused(sequence, given, message):
    with pytest.raises(ValueError, match=message):
        OutlierDetector(epochs=1, **given).fit(sequence)


def test_a_file_of_an_older_format_is_refused_with_the_version(detector, tmp_path):
    import json
    import zipfile

    detector.save(tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as new, zipfile.ZipFile(tmp_path / "old.zip", "w") as old:
        for name in new.namelist():
            content = new.read(name)
            if name == "detector.json":
                content = json.dumps({**json.loads(content), "format": 2}).encode()
            old.writestr(name, content)
    message = f"keras_ae {kae.__version__} reads detector files of format 3: fit the detector again, .* format 2"
    with pytest.raises(ValueError, match=message):
        kae.outliers.load(tmp_path / "old.zip")
