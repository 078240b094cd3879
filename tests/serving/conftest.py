import pathlib
import socket
import time
import types

import keras
import pytest
import tensorflow as tf

import keras_ae as kae
from keras_ae.export.signatures.detector import DetectorSignature
from keras_ae.export.signatures.server import ServerSignatures
from keras_ae.export.signatures.signature import write
from keras_ae.networks import MLP

collect_ignore = ["loopback.py"]  # holds no tests, and needs the extra [serving]


@pytest.fixture(scope="session")
def cvae():
    keras.utils.set_random_seed(0)
    model = kae.Autoencoder(MLP([16]), MLP([64]), latent_dim=4, condition=kae.Categorical(10))
    model.build((None, 8, 8, 1))
    return model


class Toy(tf.Module):
    """Signatures with the kinds of inputs and outputs that the small model does not have."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.int32, "seed"),
            tf.TensorSpec([None], tf.int32, "digit"),
            tf.TensorSpec([None, 2], tf.float32, "tilt"),
        ]
    )
    def sample(self, seed, digit, tilt):
        picture = tf.stack([tf.cast(seed, tf.float32), tf.cast(digit, tf.float32), *tf.unstack(tilt, axis=1)], axis=1)
        png = tf.map_fn(tf.io.serialize_tensor, picture, fn_output_signature=tf.string)
        return {"x": picture, "png_bytes": png}

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, "x")])
    def score(self, x):
        return {"elbo": tf.reduce_sum(x, axis=1), "kl": tf.reduce_max(x, axis=1)}


@pytest.fixture(scope="session")
def detector(cvae, digits):
    x, labels = digits
    return kae.outliers.OutlierDetector(cvae, condition=labels[:100], random_state=0).fit(x[:100])


@pytest.fixture(scope="session")
def models(cvae, detector, tmp_path_factory):
    """The folder with the models, as exports/models is."""
    folder = tmp_path_factory.mktemp("exports") / "models"
    write(folder / "cvae" / "1", ServerSignatures(cvae, 20_000).all())
    scoring = ServerSignatures(cvae, 20_000, detector=DetectorSignature(detector))
    write(folder / "detector" / "1", [signature for signature in scoring.all() if signature.name == "score"])
    toy = Toy()
    tf.saved_model.save(toy, str(folder / "toy" / "3"), signatures={"sample": toy.sample, "score": toy.score})
    return folder


@pytest.fixture(scope="session")
def running(models):
    pytest.importorskip("tensorflow_serving", reason="the extra [serving] is not installed")
    from loopback import Loopback

    server = Loopback(models)
    yield server
    server.close()


@pytest.fixture
def server(running):
    running.reset()
    return running


@pytest.fixture(params=["rest", "grpc"])
def connect(request, server):
    """A function that makes a client of the loopback server."""
    made = []

    def make(model="cvae", **options):
        made.append(kae.serving.Client(server.urls[request.param], model, **options))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture(scope="session")
def serving_files():
    """The folder exports/serving."""
    return pathlib.Path(kae.__file__).parent.parent / "exports" / "serving"


@pytest.fixture
def pauses(monkeypatch):
    """The seconds that a client has slept; it does not wait for them."""
    found = []
    clock = types.SimpleNamespace(monotonic=time.monotonic, sleep=found.append)
    monkeypatch.setattr("keras_ae.serving.client.time", clock)
    return found


@pytest.fixture(scope="session")
def free_port():
    """A function that finds a port of 127.0.0.1 where nothing listens."""

    def find():
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            return listener.getsockname()[1]

    return find
