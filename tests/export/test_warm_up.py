"""The warm-up requests in a SavedModel, read with the official protos and replayed."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

import keras_ae as kae
from keras_ae.export.signatures.server import ServerSignatures
from keras_ae.export.signatures.signature import write
from keras_ae.export.signatures.warm_up import write_warm_up
from keras_ae.export.verification.probes import server_probes


@pytest.fixture(scope="module")
def model(small):
    return small({"digit": kae.Categorical(10), "tilt": kae.Continuous(2)})


@pytest.fixture(scope="module")
def directory(model, tmp_path_factory):
    directory = tmp_path_factory.mktemp("warm") / "1"
    write(directory, ServerSignatures(model, 8).all())
    write_warm_up(directory, server_probes(model))
    return directory


@pytest.fixture(scope="module")
def records(directory):
    path = directory / "assets.extra" / "tf_serving_warmup_requests"
    return [record.numpy() for record in tf.data.TFRecordDataset(str(path))]


@pytest.fixture(scope="module")
def requests(records):
    """The requests, as the server reads them."""
    return [prediction_log_pb2.PredictionLog.FromString(record).predict_log.request for record in records]


def inputs_of(request):
    return {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}


@pytest.mark.slow
def test_replayed_requests_give_what_the_model_gives(directory, requests, model):
    loaded = tf.saved_model.load(str(directory))
    probes = [probe for probe in server_probes(model) if probe.signature != "generate"]
    for request in requests:
        name = request.model_spec.signature_name
        found = loaded.signatures[name](**{key: tf.constant(value) for key, value in inputs_of(request).items()})
        wanted = [
            probe
            for probe in probes
            if probe.signature == name.replace("serving_default", "decode")
            and all(np.array_equal(probe.inputs[key], value) for key, value in inputs_of(request).items())
        ]
        assert len(wanted) == 1 and set(found) == set(wanted[0].outputs)
        for key, expected in wanted[0].outputs.items():
            np.testing.assert_allclose(found[key], expected, rtol=1e-5, atol=2e-6)  # float32, as in `verify`


def test_every_signature_without_scalars_is_warmed_up(directory, requests):
    signatures = set(tf.saved_model.load(str(directory)).signatures)
    assert {request.model_spec.signature_name for request in requests} == signatures - {"generate"}
    assert len(requests) <= 1000  # more are an error for the server
    decoded = [len(inputs_of(r)["z"]) for r in requests if r.model_spec.signature_name == "decode"]
    assert decoded == [1, 3]


def test_a_server_with_batching_can_run_them(requests):
    """It refuses scalars, and inputs with different numbers of rows; and it does not load a model that it refuses."""
    for request in requests:
        shapes = [value.shape for value in inputs_of(request).values()]
        assert all(shapes) and len({shape[0] for shape in shapes}) == 1
