import keras
import numpy as np
import pytest

import keras_ae as kae
from keras_ae.callbacks import KLByDimension

X = np.random.default_rng(0).random((40, 6)).astype("float32")


def rates_of(model, *given):
    q = model.posterior(*given)
    loc, scale = q.mean().numpy().astype("float64"), q.stddev().numpy().astype("float64")
    return (0.5 * (scale**2 + loc**2 - 1) - np.log(scale)).mean(axis=0)


def test_rates_in_the_event_file_equal_numpy_after_every_epoch(make, tmp_path, read_events):
    model, expected = make(), []
    keep = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: expected.append(rates_of(model, X)))
    model.fit(X, batch_size=8, epochs=2, verbose=0, callbacks=[keep, KLByDimension(tmp_path / "logs", X)])
    found = read_events(tmp_path / "logs")
    assert {step for _, step in found} == {5, 10} and len(found) == 2 * (3 + 1)
    for step, kls in zip((5, 10), expected, strict=True):
        for dimension in range(3):
            plugin, value = found[f"kl/dimension_{dimension:02}", step]
            assert (plugin, value.shape, value.dtype) == ("scalars", (), np.float32)
            assert float(value) == pytest.approx(kls[dimension], rel=1e-4, abs=1e-6)  # float32
        plugin, buckets = found["kl/by_dimension", step]
        assert (plugin, buckets.shape, buckets[:, 2].sum()) == ("histograms", (30, 3), 3)
        np.testing.assert_allclose((buckets[0, 0], buckets[-1, 1]), (kls.min(), kls.max()), rtol=1e-4, atol=1e-6)
    assert np.abs(expected[1] - expected[0]).max() > 1e-3


def test_rates_of_many_examples_are_those_of_all(make):
    model = make()
    many = np.random.default_rng(1).random((4100, 6)).astype("float32")  # more than two parts
    callback = KLByDimension("unused", many)
    callback.set_model(model)
    np.testing.assert_allclose(callback.kls(), rates_of(model, many), rtol=1e-4)


def test_conditional_model(make, tmp_path, read_events):
    condition = {"digit": np.arange(40) % 3, "slant": np.linspace(-1, 1, 40)}
    parts = {"digit": kae.Categorical(3), "slant": kae.Continuous()}
    model = make(kae.models.ConditionalVAE, condition=parts)
    model.fit(X, condition, verbose=0, callbacks=[KLByDimension(tmp_path, X, condition=condition)])
    found = read_events(tmp_path)
    written = [float(found[f"kl/dimension_{dimension:02}", 1][1]) for dimension in range(3)]
    np.testing.assert_allclose(written, rates_of(model, X, condition), rtol=1e-4)


def test_model_without_such_rates_is_refused_before_training(make, tmp_path):
    with pytest.raises(ValueError, match="AE has no prior"):
        make(kae.models.AE).fit(X, verbose=0, callbacks=[KLByDimension(tmp_path, X)])
    with pytest.raises(NotImplementedError, match="factorize over dimensions"):
        make(prior=kae.latents.NormalMixture(2)).fit(X, verbose=0, callbacks=[KLByDimension(tmp_path, X)])


def test_only_the_chief_writes(make, tmp_path, monkeypatch):
    monkeypatch.setattr("keras_ae.callbacks.kl_by_dimension.is_chief", lambda model: False)
    make().fit(X, verbose=0, callbacks=[KLByDimension(tmp_path / "logs", X)])
    assert not (tmp_path / "logs").exists()
