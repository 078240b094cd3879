"""The report of outliers: its table, its summary and its page."""

import csv
import json

import numpy as np
import pytest
from tiers import first

import keras_ae as kae
from keras_ae.outliers import OutlierDetector, explain, report
from keras_ae.outliers.report import Findings
from keras_ae.outliers.report.reasons import feature_names, top_reasons

RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=[200, 4])
COLUMNS = ["age", "income", "debt", "<b>"]
STRANGE = np.concatenate([TABLE[:30], [[0.0, 0.0, 40.0, 0.0]]]).astype(np.float32)


@pytest.fixture(scope="module")
def detector():
    model = kae.models.VAE(latent_dim=2, likelihood="normal")
    model.build((None, 4))
    return OutlierDetector(model, random_state=0).fit(TABLE)


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_table_is_sorted_and_says_why(detector, tmp_path):
    found = report(detector, STRANGE, TABLE, out=tmp_path, false_alarms=0.1, columns=COLUMNS)
    rows = rows_of(tmp_path / "outliers.csv")
    assert len(rows) == len(found) == 31
    p_values, scores = ([float(row[name]) for row in rows] for name in ("p_value", "score"))
    assert p_values == sorted(p_values) and scores == sorted(scores, reverse=True)
    assert rows[0]["row"] == "30" and rows[0]["feature_1"] == "debt" and rows[0]["outlier"] == "1"
    order = [int(row["row"]) for row in rows]
    np.testing.assert_allclose(p_values, detector.p_values(STRANGE[order]), rtol=1e-5)  # six digits
    flagged = detector.flag(STRANGE[order], false_alarms=0.1)
    assert [row["outlier"] == "1" for row in rows] == flagged.tolist()
    why = explain(detector, STRANGE[order], TABLE)
    above = (why.deviance - explain(detector, TABLE, TABLE).deviance.mean(axis=0))[0]
    np.testing.assert_allclose(float(rows[0]["nats_1"]), above.max(), rtol=1e-3)  # four digits
    assert all(row["feature_1"] == "" or float(row["nats_1"]) > 0 for row in rows)


def test_the_summary_has_the_numbers_of_the_page(detector, tmp_path):
    found = report(detector, STRANGE, TABLE, out=tmp_path, false_alarms=0.1, columns=COLUMNS, data={"name": "people"})
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["rows"] == 31 and summary["outliers"] == found.num_outliers >= 1
    assert summary["false_alarms"] == {"asked": 0.1, "expected": pytest.approx(3.1)}
    assert summary["threshold"] == detector.threshold(0.1) and summary["calibration_examples"] == 100
    assert summary["drift"]["p_value"] == pytest.approx(detector.drift(STRANGE).p_value, rel=1e-6)
    text = (tmp_path / "outliers.html").read_text()
    assert "<h1>people</h1>" in text and f"<strong>{found.num_outliers}</strong> of 31 rows" in text
    assert "&lt;b&gt;" in text and "<script" not in text and "http" not in text.replace("http://www.w3.org", "")


def test_a_stream_gives_what_an_array_gives(detector, tmp_path):
    whole = report(detector, STRANGE, TABLE, out=tmp_path / "whole", false_alarms=0.1)
    parts = [(STRANGE[start : start + 7], None) for start in range(0, 31, 7)]
    streamed = report(detector, parts, TABLE, out=tmp_path / "parts", false_alarms=0.1, most_rows=5)
    # Batches are filled up to one size, so the sums are the same.
    np.testing.assert_allclose(streamed.scores, whole.scores, rtol=1e-6)
    few, all_rows = (rows_of(tmp_path / name / "outliers.csv") for name in ("parts", "whole"))
    assert [row["row"] for row in few] == [row["row"] for row in all_rows[:5]]
    assert few[0]["feature_1"] == all_rows[0]["feature_1"]


def test_older_files_are_replaced_and_others_stay(detector, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    for rows in (STRANGE, STRANGE[:10]):
        report(detector, rows, TABLE, out=tmp_path, false_alarms=0.1)
        assert len(rows_of(tmp_path / "outliers.csv")) == len(rows)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"notes.txt", "outliers.csv", "summary.json", "outliers.html"}


@pytest.mark.parametrize(
    ("model", "x", "shown"),
    first(
        3,
        [
            (kae.models.VAE(latent_dim=2), RNG.random([40, 8, 8, 1]), "data:image/png;base64"),
            (kae.models.VAE(latent_dim=2, likelihood="normal"), RNG.normal(size=[40, 30, 2]), "<svg"),
            (
                kae.models.VAE(latent_dim=2, likelihood="normal"),
                RNG.normal(size=[40, 50]),
                "Dashed: what the model expects",
            ),
            (kae.models.VQVAE(num_codes=8, latent_dim=8), RNG.random([40, 8, 8, 1]), "nearest usual"),
            (kae.models.AE(latent_dim=2), RNG.random([40, 8, 8, 3]), "red"),
        ],
    ),
    ids=["images", "sequences", "curves", "codebook", "colors"],
)
def test_each_kind_of_data_has_its_pictures(model, x, shown, tmp_path):
    x = x.astype(np.float32)
    model.build((None, *x.shape[1:]))
    detector = OutlierDetector(model, random_state=0).fit(x)
    report(detector, x[:2], x, out=tmp_path, false_alarms=0.1)
    assert shown in (tmp_path / "outliers.html").read_text()


@pytest.mark.slow
def test_values_that_are_not_independent_have_no_reasons(monkeypatch, tmp_path):
    model = kae.models.VAE(latent_dim=2, likelihood="normal")
    model.build((None, 6))

    def refuse(*_):
        raise NotImplementedError("Joint has no log-probability for single values.")

    monkeypatch.setattr(model.likelihood_layer, "value_log_prob", refuse)
    x = RNG.normal(size=[40, 6]).astype(np.float32)
    report(OutlierDetector(model, random_state=0).fit(x), x[:2], x, out=tmp_path, false_alarms=0.1)
    assert "Joint has no log-probability for single values" in (tmp_path / "outliers.html").read_text()
    assert list(rows_of(tmp_path / "outliers.csv")[0]) == ["row", "score", "p_value", "outlier"]


@pytest.mark.slow
def test_rows_of_a_conditional_model_have_their_conditions(digits, tmp_path):
    x, labels = digits[0][:60], digits[1][:60]
    model = kae.models.ConditionalVAE(latent_dim=2, condition=kae.Categorical(10))
    model.build((None, 8, 8, 1))
    detector = OutlierDetector(model, condition=labels, random_state=0).fit(x)
    found = report(detector, [(x[:20], labels[:20])], x, usual_condition=labels, out=tmp_path, false_alarms=0.1)
    np.testing.assert_allclose(found.scores, -detector.score_samples(x[:20], labels[:20]), rtol=1e-6)
    assert rows_of(tmp_path / "outliers.csv")[0]["feature_1"].startswith("pixel ")


def test_groups_of_rows():
    scores = np.array([5.0, 1.0, 9.0, 2.0, 5.0, 3.0])
    found = Findings(scores, np.arange(9.0), 4.0, 0.5)
    assert found.strangest(3).tolist() == [2, 0, 4] and found.strangest(99).tolist() == [2, 0, 4, 5, 3, 1]
    assert found.borderline(3).tolist() == [0, 4, 5] and found.num_outliers == 3
    assert found.usual(1).tolist() == [3] and len(found.usual(6)) == 3
    assert not len(Findings(scores, np.arange(9.0), 0.0, 0.5).usual(6))
    assert Findings(scores[:1], np.arange(9.0), 4.0, 0.5).summary()["drift"] is None


def test_names_of_values():
    assert feature_names((3,)).tolist() == ["column 0", "column 1", "column 2"]
    assert feature_names((8, 9, 3))[5] == "pixel 0,1, blue"
    assert feature_names((8, 9))[10] == "pixel 1,1"
    assert feature_names((30, 2), ["speed", "heat"])[3] == "step 1, heat"
    places, nats = top_reasons(np.array([[[0.0, 2.0], [5.0, -1.0]]]), 3)
    assert places.tolist() == [[2, 1, 0]] and nats.tolist() == [[5.0, 2.0, 0.0]]
    with pytest.raises(ValueError, match=r"`columns` must have 2 names\. Received: 3"):
        feature_names((30, 2), COLUMNS[:3])


def test_bad_input_is_refused(detector, tmp_path):
    with pytest.raises(ValueError, match="`false_alarms` must be at least"):
        report(detector, STRANGE, TABLE, out=tmp_path / "a", false_alarms=0.001)
    with pytest.raises(ValueError, match="`X` must have at least one row"):
        report(detector, [], TABLE, out=tmp_path / "a", false_alarms=0.1)
    assert not (tmp_path / "a").exists()


def test_p_values_can_be_calibrated_again(detector):
    other = RNG.normal(size=[50, 4]) * 3.0
    again = OutlierDetector(detector.model_, random_state=0).fit(TABLE).calibrate(other)
    assert len(again.calibration_) == 50
    # The rate holds exactly where the calibration examples themselves are ranked.
    assert again.flag(other, false_alarms=0.2).sum() == 9
    assert again.threshold(0.2) == again.calibration_[-10]
