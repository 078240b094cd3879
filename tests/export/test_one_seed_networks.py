"""One seed, one picture, for convolutions, for codes of a codebook and for several levels of codes."""

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

import keras_ae as kae
from keras_ae.export.signatures.server import ServerSignatures
from keras_ae.export.signatures.signature import write
from keras_ae.export.verification import isolated_runner
from keras_ae.networks import ConvDecoder, ConvEncoder

pytestmark = pytest.mark.slow

SEEDS = np.random.default_rng(0).integers(2**31, size=100, dtype=np.int32)
SEEDS[:2] = 0, 2**31 - 1
ROWS = 3  # of each seed
# float32, as in test_one_seed.py, of networks that are deeper and were trained.
TOLERANCE = 1e-5


def convolutional():
    return kae.models.VAE(ConvEncoder((8, 16)), ConvDecoder((8, 16)), latent_dim=4)


def hierarchical():
    return kae.models.HierarchicalVAE(latent_dim=6)


def vector_quantized():
    return kae.models.VQVAE(ConvEncoder((8, 16)), ConvDecoder((8, 16)), latent_dim=8, num_codes=16, code_dim=2)


@pytest.fixture(scope="module", params=[convolutional, hierarchical, vector_quantized])
def model(request, digits):
    model = request.param()
    model.compile(keras.optimizers.Adam(3e-3))
    model.fit(digits[0], epochs=10, batch_size=64, verbose=0)
    if model.prior_layer is None:
        model.fit_sampler("autoregressive", digits[0], verbose=False)
    return model


@pytest.fixture(scope="module")
def expected(model):
    """Keras: [100, 3, 8, 8, 1]."""
    return np.stack([model.sample(ROWS, seed=int(seed)) for seed in SEEDS])


def check(found, expected):
    np.testing.assert_allclose(np.reshape(found, expected.shape), expected, rtol=0, atol=TOLERANCE)


def test_other_seeds_and_rows_are_other_pictures(expected, model):
    """But for a codebook, of which two seeds may draw the same entries."""
    pictures = expected.reshape(100 * ROWS, -1)
    distances = np.abs(pictures[:, np.newaxis] - pictures).max(axis=-1)[~np.eye(len(pictures), dtype=bool)]
    assert np.mean(distances > 100 * TOLERANCE) > (
        0.95 if isinstance(model.posterior_layer, kae.latents.VectorQuantizer) else 0.9999
    )


@pytest.fixture(scope="module")
def loaders(model, tmp_path_factory):
    directory = tmp_path_factory.mktemp("one") / "1"
    write(directory, ServerSignatures(model, 100).all())
    return isolated_runner.open_saved_model(str(directory))[0]


@pytest.mark.parametrize("loader", ["python", "session"])
def test_a_server_draws_them(loaders, expected, loader):
    run = loaders[loader]
    check(run("sample", {"seed": SEEDS})["x"], expected[:, 0])
    calls = [{"seed": seed, "num": np.int32(ROWS), "temperature": np.float32(1.0)} for seed in SEEDS]
    check([run("generate", call)["x"] for call in calls], expected)


def test_litert_draws_them(model, expected, tmp_path):
    kae.export.litert(model, tmp_path / "one.tflite", batch_size=ROWS)
    generate = Interpreter(str(tmp_path / "one.tflite"), num_threads=1).get_signature_runner("generate")
    check([generate(seed=SEEDS[[i]], row=np.int32([0]))["x"] for i in range(100)], expected)
