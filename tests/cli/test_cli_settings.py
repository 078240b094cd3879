"""`--set NAME=VALUE`: every argument of a model and of its parts, by name."""

import json

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

import keras_ae as kae
from keras_ae.cli.app import app
from keras_ae.cli.settings import parse_settings
from keras_ae.run.assembly import assemble

CONDITION = kae.Categorical(3)


def call(*given, code=0):
    result = CliRunner().invoke(app, [str(each) for each in given])
    assert result.exit_code == code, result.output
    return result


def made(name, *texts, condition=None):
    return assemble(name, parse_settings(texts), condition=condition, seed=3)


def test_values_are_numbers_words_and_lists():
    texts = [
        "a=1",
        "b=1e-3",
        "c=vamp",
        "d=[300,300]",
        "e=300, 200",
        "f=none",
        "g=true",
        "h=a,b",
        'i="5"',
        "j = -2",
        "k=nan",
        "l=[a, 2,none]",
        "m=[a]",
        "n.1.o=3",
    ]
    expected = {
        "a": 1, "b": 1e-3, "c": "vamp", "d": [300, 300], "e": [300, 200], "f": None, "g": True, "h": ["a", "b"],
        "i": "5", "j": -2, "k": "nan", "l": ["a", 2, None], "m": ["a"], "n.1.o": 3,
    }  # fmt: skip
    assert parse_settings(texts) == expected
    assert parse_settings(["prior.components=5"], prior="vamp", beta=None) == {"prior": "vamp", "prior.components": 5}


@pytest.mark.parametrize(
    "text", ["", "prior", "prior=", "=vamp", "prior.=3", "prior..a=3", "a b=3", "1.a=3", "a.-1=3", "__import__('os')=1"]
)
def test_what_is_no_setting_is_refused(text):
    with pytest.raises(typer.BadParameter, match="must be NAME=VALUE, such as prior=vamp"):
        parse_settings([text])


def test_a_name_is_given_once_and_values_are_simple():
    with pytest.raises(typer.BadParameter, match="prior is given twice"):
        parse_settings(["prior=vamp"], prior="real_nvp")
    with pytest.raises(typer.BadParameter, match="beta is given twice"):
        parse_settings(["beta=1", "beta=2"])
    with pytest.raises(typer.BadParameter, match="a number, a word or a list"):
        parse_settings(['prior={"class_name": "os.system"}'])


def test_arguments_of_the_model_and_of_its_parts_arrive():
    model = made(
        "vae", "prior=vamp", "prior.components=50", "objective=iwae", "objective.num_samples=5",
        "encoder.hidden=[30,30]", "decoder=conv", "decoder.filters=4,4", "posterior=inverse_autoregressive_flow",
        "posterior.base=full_covariance_normal", "posterior.steps=3", "likelihood=normal", "likelihood.scale=0.5",
        "latent_dim=7", "sampler=flow", "sampler.flow=masked_autoregressive_flow", "sampler.flow.steps=2",
    )  # fmt: skip
    assert type(model) is kae.models.VAE
    assert (model.prior_layer.components, model.objective.num_samples, model.encoder.hidden) == (50, 5, (30, 30))
    assert model.decoder.filters == (4, 4) and model.likelihood_layer.scale == 0.5
    assert isinstance(model.posterior_layer.base, kae.latents.FullCovarianceNormal) and model.posterior_layer.steps == 3
    assert (model.latent_dim, model.seed) == (7, 3)
    assert isinstance(model.sampler_layer.flow, kae.latents.MaskedAutoregressiveFlow)
    assert model.sampler_layer.flow.steps == 2


MIXED = [
    "latent_dim=7", "posterior=mixed", "posterior.parts=[diagonal_normal,relaxed_categorical]", "posterior.sizes=[2,5]",
    "posterior.parts.1.num_classes=5", "prior=mixed", "prior.parts=normal_mixture,uniform_categorical",
    "prior.sizes=2,5", "prior.parts.0.components=3", "prior.parts.1.num_classes=5",
]  # fmt: skip


def test_parts_in_a_list_have_arguments_by_their_number():
    model = made("vae", *MIXED)
    (style, kind), (mixture, uniform) = model.posterior_layer.parts, model.prior_layer.parts
    assert isinstance(style, kae.latents.DiagonalNormal) and isinstance(kind, kae.latents.RelaxedCategorical)
    assert (kind.num_classes, mixture.components, uniform.num_classes) == (5, 3, 5)
    assert model.posterior_layer.sizes == model.prior_layer.sizes == (2, 5)


def test_parts_that_are_not_named_are_the_defaults_of_the_model():
    assert made("vae", "objective.num_samples=4").objective.num_samples == 4
    assert made("cvae", condition=CONDITION).latent_dim == 8
    assert made("vae", "beta=4").objective.beta == 4


def test_a_number_may_follow_a_schedule():
    warm_up = ["objective.beta=linear_warm_up", "objective.beta.num_steps=70", "objective.beta.end=2"]
    beta = made("vae", *warm_up).objective.beta
    assert (beta.num_steps, beta.end) == (70, 2.0)
    with pytest.raises(ValueError, match=r"`objective.beta` linear_warm_up needs `num_steps`: --set "):
        made("vae", *warm_up[:1])


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (["priar=vamp"], "The model vae has no argument `priar`. Did you mean 'prior'? It has: encoder, decoder, "),
        (["prior.component=5", "prior=vamp"], "`prior` vamp has no argument `component`. Did you mean 'components'?"),
        (["prior.components=5"], "`prior` standard_normal has no argument `components`. It has none."),
        (["prior=vamb"], "Received: 'vamb'. Did you mean 'vamp'?"),
        (["objective.num_samples=many"], "`num_samples` must be a positive integer. Received: num_samples='many'"),
        (["latent_dim=2.5"], "`latent_dim` must be a positive integer. Received: latent_dim=2.5"),
        (["latent_dim=true"], "`latent_dim` must be a positive integer. Received: latent_dim=True"),
        (["beta=lots"], "`beta` must be a finite number >= 0, or a schedule. Received: beta='lots'"),
        (["beta=-1"], "`beta` must be a finite number >= 0"),
        (["encoder.hidden=300"], "`hidden` must be a sequence of positive integers"),
        (["encoder.hidden=[0]"], "`hidden` must be a sequence of positive integers"),
        (["latent_dim.x=3"], "`latent_dim` takes no arguments. Received: latent_dim.x"),
        (["sampler.components=3"], "`sampler` must be one of autoregressive, flow, gaussian_mixture"),
        (["seed=4"], "`seed` has a separate option: --seed."),
        (["condition=digit"], "`condition` has a separate option: --condition."),
        (["posterior=power_spherical"], "`prior` must be over the same codes as `posterior`"),
        (["posterior=mixed"], "`posterior` mixed needs `parts` and `sizes`: --set posterior.parts=... --set "),
        ([*MIXED[:2], "posterior.parts=vamp"], "`posterior.parts` must be a list, such as [deterministic,"),
        ([*MIXED[:2], "posterior.parts.1.num_classes=5"], "`posterior.parts` must be a list, such as"),
        ([*MIXED, "posterior.parts.2.num_classes=5"], "`posterior.parts` has 2 parts, counted from 0. Received: "),
        ([*MIXED, "posterior.parts.1.classes=5"], "`posterior.parts.1` relaxed_categorical has no argument `classes`."),
        ([*MIXED, "prior.parts.0=real_nvq"], "`prior.parts.0` must be one of autoregressive, "),
        (["prior=3"], "`prior` must be a name or an instance of Prior. Received: int"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_in_a_sentence(texts, sentence):
    with pytest.raises((ValueError, TypeError)) as caught:
        made("vae", *texts)
    assert sentence in str(caught.value) and "\n" not in str(caught.value)


def test_arguments_of_each_kind_of_part_are_reached():
    networks = ["classifier=mlp", "classifier.hidden=[7]", "encoder.hidden=[6]", "decoder.hidden=[5]"]
    latent = ["prior=vamp", "prior.components=4", "posterior=planar_flow", "posterior.base=full_covariance_normal"]
    others = ["likelihood=normal", "likelihood.scale=pixel", "objective=piwae", "objective.num_groups=3"]
    model = made("semi_supervised_vae", *networks, *latent, *others, condition=CONDITION)
    assert [tuple(part.hidden) for part in (model.classifier, model.encoder, model.decoder)] == [(7,), (6,), (5,)]
    assert (model.prior_layer.components, model.objective.num_groups) == (4, 3)
    assert type(model.posterior_layer.base).__name__ == "FullCovarianceNormal"
    assert model.likelihood_layer.scale == "pixel"


def test_parts_that_a_model_fixes_are_no_arguments():
    for text in ("prior=vamp", "objective.num_samples=3", "posterior=diagonal_normal"):
        with pytest.raises(ValueError, match="The model ae fixes `"):
            made("ae", text)
    with pytest.raises(ValueError, match="The model cvae needs `condition`"):
        made("cvae")


@pytest.mark.parametrize("name", ["vae", "beta_vae", "beta_tc_vae", "regularized_ae"])
def test_beta_is_that_of_the_model_or_of_its_bound(name):
    assert assemble(name, {"beta": 3.0}).objective.beta == 3.0


@pytest.mark.slow
def test_train_stores_the_settings_and_resume_makes_the_model_again(tmp_path, monkeypatch):
    from keras_ae.training.progress import ProgressBar

    def interrupt(self, epoch, logs=None):
        raise KeyboardInterrupt

    small = ["--split", "train[:120]", "--epochs", 2, "--latent-dim", 2, "--out", tmp_path / "run"]
    # Convolutions, as XLA has nothing to compile then.
    settings = ["prior=vamp", "prior.components=5", "objective=iwae", "encoder=conv", "encoder.filters=[4]"]
    with monkeypatch.context() as patch:
        patch.setattr(ProgressBar, "on_epoch_end", interrupt)
        call("train", "vae", *(each for text in settings for each in ("--set", text)), *small, code=130)
    call("train", "--resume", tmp_path / "run")
    expected = {"name": "vae", "latent_dim": 2, **parse_settings(settings)}
    assert json.loads((tmp_path / "run/config.json").read_text())["model"] == expected
    model = kae.load(tmp_path / "run/model.keras")
    assert (model.prior_layer.components, model.objective.num_samples, model.encoder.filters) == (5, 50, (4,))


@pytest.mark.slow
def test_an_autoencoder_is_trained_with_a_sampler_and_generates(tmp_path):
    run = tmp_path / "run"
    call("train", "ae", "--split", "train[:120]", "--epochs", 1, "--latent-dim", 2, "--out", run,
         "--set", "encoder=conv", "--set", "sampler=gaussian_mixture", "--set", "sampler.components=3")  # fmt: skip
    call("generate", run, "--num", 3, "--seed", 2, "--out", tmp_path / "a.npy")
    model = kae.load(run / "model.keras")
    assert model.sampler.components == 3 and model.sampler.num_codes == 108
    np.testing.assert_allclose(np.load(tmp_path / "a.npy"), model.sample(3, seed=2), atol=1e-6)
    assert (run / "figures/samples.png").is_file()


@pytest.mark.slow
def test_mixed_codes_are_trained(tmp_path):
    texts = [*MIXED, "encoder=conv", "encoder.filters=[4]", "decoder=conv", "decoder.filters=[4]"]
    settings = [each for text in texts for each in ("--set", text)]
    call("train", "vae", "--split", "train[:60]", "--epochs", 1, "--out", tmp_path / "run", *settings)
    recipe = json.loads((tmp_path / "run/config.json").read_text())
    assert recipe["model"]["posterior.parts"] == ["diagonal_normal", "relaxed_categorical"]
    codes = kae.load(tmp_path / "run/model.keras").sample_codes(9, seed=2).numpy()
    np.testing.assert_array_equal(np.sort(codes[:, 2:]), np.eye(5)[[-1] * 9])


def test_a_wrong_setting_is_a_sentence_and_leaves_nothing(tmp_path):
    result = call("train", "vae", "--set", "priar=vamp", "--out", tmp_path / "run", code=1)
    assert "Did you mean 'prior'?" in result.stderr and len(result.stderr.splitlines()) == 1
    assert "must be NAME=VALUE" in call("train", "vae", "--set", "prior", "--out", tmp_path / "run", code=2).stderr
    assert not list(tmp_path.iterdir())


def test_arguments_of_a_model_are_listed():
    listing = call("models", "vae").stdout
    assert "normal_mixture" in listing and "components=10" in listing and "latent_dim" in listing
    assert "prior" not in call("models", "ae").stdout.split("Arguments of its parts")[0].replace("Arguments of ae", "")
    assert "Did you mean 'vae'?" in call("models", "veo", code=2).stderr
