import keras
import numpy as np
import pytest
from matplotlib.collections import LineCollection

import keras_ae as kae
from keras_ae.callbacks.pages import page
from keras_ae.explore.gallery import gallery


def built(cls=kae.models.VAE, event=(4, 4, 1), **options):
    model = cls(kae.networks.MLP([8]), kae.networks.MLP([8]), **{"latent_dim": 2, **options})
    model.build((None, *event))
    return model


def texts(figure):
    """Every text that a figure shows."""
    found = [text.get_text() for text in figure.texts] + ([figure.get_suptitle()] if figure.get_suptitle() else [])
    for axes in figure.axes:
        found += [axes.get_title(), axes.get_xlabel(), axes.get_ylabel()]
        found += [label.get_text() for label in axes.get_xticklabels() + axes.get_yticklabels()]
    return found


def test_samples_by_condition_has_a_labeled_row_for_each_class():
    model = built(kae.models.ConditionalVAE, condition=kae.Categorical(3))
    figure = kae.explore.samples_by_condition(model, num=2, name="digit")
    assert {"0", "1", "2", "digit"} <= set(texts(figure))


def test_columns_of_samples_by_condition_are_one_style_only_if_they_share_one_code():
    condition = kae.Categorical(3)
    model = built(kae.models.ConditionalVAE, condition=condition)
    title = "ConditionalVAE: samples by condition"
    assert f"{title}, one style per column" in texts(kae.explore.samples_by_condition(model, num=2))
    x, labels = np.random.default_rng(0).random((90, 4, 4, 1)), np.arange(90) % 3
    model.fit_sampler(kae.latents.GaussianMixtureSampler(1), x, labels, verbose=False)
    assert title in texts(kae.explore.samples_by_condition(model, num=2))


def test_samples_by_condition_names_the_property_that_varies():
    condition = {"digit": kae.Categorical(3), "slant": kae.Continuous()}
    model = built(kae.models.ConditionalVAE, condition=condition)
    values = {"digit": np.array([1, 1]), "slant": np.array([-20.0, 35.0])}
    assert {"-20", "35"} <= set(texts(kae.explore.samples_by_condition(model, values, num=2)))
    with pytest.raises(ValueError, match="`values` must be given"):
        kae.explore.samples_by_condition(model)


def test_samples_of_a_model_without_a_prior_are_refused():
    with pytest.raises(ValueError, match="no prior"):
        kae.explore.samples(built(kae.models.AE))


def test_map_has_a_legend_entry_for_each_class():
    x, labels = np.random.default_rng(0).random((30, 4, 4, 1)), np.arange(30) % 10
    figure = kae.explore.latent_map(built(), x, labels, label_name="digit")
    legend = figure.axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == [str(digit) for digit in range(10)]
    colors = {tuple(handle.get_facecolor()[0]) for handle in legend.legend_handles}
    assert len(colors) == 10


@pytest.mark.parametrize("num_classes", [3, 0])
def test_map_shows_unknown_labels_in_gray_and_not_as_a_class(num_classes):
    x, labels = np.random.default_rng(0).random((30, 4, 4, 1)), np.arange(30) % (num_classes + 1) - 1
    figure = kae.explore.latent_map(built(), x, labels)
    legend = figure.axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["unknown", *map(str, range(num_classes))]
    assert len(set(legend.legend_handles[0].get_facecolor()[0, :3])) == 1


def test_map_takes_minus_one_for_a_number_like_others_where_there_are_lesser_ones():
    x = np.random.default_rng(0).random((30, 4, 4, 1))
    figure = kae.explore.latent_map(built(), x, np.arange(30) % 3 - 2)
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["-2", "-1", "0"]


def test_map_of_a_scale_has_a_color_bar():
    x = np.random.default_rng(0).random((30, 4, 4, 1))
    figure = kae.explore.latent_map(built(), x, np.linspace(0, 1, 30), label_name="slant")
    assert figure.axes[1].get_ylabel() == "slant"


def test_map_refuses_labels_of_another_number():
    with pytest.raises(ValueError, match="`labels` must be 3 numbers"):
        kae.explore.latent_map(built(), np.zeros([3, 4, 4, 1]), [1, 2])


def test_training_curves_have_a_panel_for_each_term_in_nats():
    history = {name: [3.0, 2.0, 1.0] for name in ("loss", "kl", "reconstruction", "val_loss", "val_kl")}
    history["kl"] = [0.0, 1.0, 2.0]
    history["loss"] = [3.0, 3.0, 3.0]
    figure = kae.explore.training_curves(history)
    assert [axes.get_title() for axes in figure.axes] == ["loss", "kl", "reconstruction"]
    assert figure.axes[0].get_ylabel() == "nats per example"
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["training", "validation"]


def test_training_curves_show_equal_terms_once():
    figure = kae.explore.training_curves({"loss": [3.0, 2.0], "reconstruction": [3.0, 2.0]})
    assert [axes.get_title() for axes in figure.axes] == ["loss = reconstruction"]


def test_training_curves_take_what_fit_returns_and_nan():
    history = keras.callbacks.History()
    history.history = {"loss": [None, 2.0]}
    assert len(kae.explore.training_curves(history).axes) == 1
    with pytest.raises(ValueError, match="loss"):
        kae.explore.training_curves({})


@pytest.mark.parametrize("event", [(4, 4, 1), (5, 4, 3), (4, 4), (6,), (2, 3, 2)])
def test_gallery_draws_data_of_every_shape(event, tmp_path):
    model = built(event=event, likelihood="normal")
    x = np.random.default_rng(0).random((5, *event))
    figures = gallery(model, {"loss": [2.0]}, x, quick=True)
    assert {"training", "reconstructions", "map", "samples"} <= set(figures)
    kae.explore.save(figures["reconstructions"], tmp_path / "r.png")


def test_gallery_of_a_conditional_model_has_rows_of_classes():
    model = built(kae.models.ConditionalVAE, condition=kae.Categorical(3))
    labels = np.array([0, 1, 2, 0])
    figures = gallery(model, {"loss": [2.0]}, np.zeros([4, 4, 4, 1]), labels, labels, quick=True)
    assert set(figures) == {"training", "reconstructions", "map", "samples", "samples_by_condition"}


def test_gallery_takes_several_properties():
    model = built(kae.models.ConditionalVAE, condition={"digit": kae.Categorical(3), "slant": kae.Continuous()})
    condition = {"digit": np.array([0, 1, 2, 0]), "slant": np.zeros(4)}
    figures = gallery(model, {"loss": [2.0]}, np.zeros([4, 4, 4, 1]), condition["digit"], condition, quick=True)
    assert set(figures) == {"training", "reconstructions", "map", "samples", "samples_by_condition"}


def test_a_gallery_of_few_different_codes_has_no_clusters():
    model, labels = built(kae.models.AE), np.arange(6) % 3
    x = np.random.default_rng(0).random([6, 4, 4, 1])
    assert "clusters" in gallery(model, {"loss": [2.0]}, x, labels, kinds=["clusters"])
    for weight in model.posterior_layer.trainable_weights:
        weight.assign(0 * weight)  # all codes are equal
    with pytest.raises(ValueError, match="for this model"):
        gallery(model, {"loss": [2.0]}, x, labels, kinds=["clusters"])


def test_a_sweep_has_the_units_of_properties():
    model = built(kae.models.ConditionalVAE, condition={"digit": kae.Categorical(3), "slant": kae.Continuous()})
    condition = {"digit": np.array([0, 1, 2, 0]), "slant": np.float32([-10, 0, 10, 20])}
    given = {"kinds": ["sweep"], "units": {"slant": "degrees"}}
    figures = gallery(model, {"loss": [2.0]}, np.zeros([4, 4, 4, 1]), condition["digit"], condition, **given)
    assert any(text.startswith("slant, ") and text.endswith(" degrees") for text in texts(figures["sweep"]))


def test_gallery_of_an_autoencoder_has_no_samples():
    figures = gallery(built(kae.models.AE), {"loss": [2.0]}, np.zeros([4, 4, 4, 1]), quick=True)
    assert set(figures) == {"training", "reconstructions", "map"}


def lines_of(figure):
    return [each for each in figure.axes[0].collections if isinstance(each, LineCollection)]


@pytest.mark.parametrize("shape", [(12,), (40, 2), (100,)])
def test_every_figure_of_sequences_and_tables_is_drawn_without_pixels(shape, tmp_path):
    model = built(kae.models.VAE, event=shape, likelihood="normal")
    x = np.random.default_rng(0).normal(size=(5, *shape)).astype(np.float32)
    figures = kae.explore.gallery(model, {"loss": [2.0, 1.0]}, x, np.arange(5), quick=True)
    assert set(figures) == {"training", "reconstructions", "map", "samples", "manifold"}
    figures["page"] = page(model, x)
    for name in ("reconstructions", "samples", "manifold", "page"):
        axes = figures[name].axes[0]
        assert axes.collections and not axes.images
    kae.explore.save(figures["page"], tmp_path / "page.png")


def test_sequences_have_samples_by_condition():
    model = built(kae.models.ConditionalVAE, event=(40,), likelihood="normal", condition=kae.Categorical(3))
    figure = kae.explore.samples_by_condition(model, num=2, name="digit")
    assert {"0", "1", "2"} <= set(texts(figure)) and len(lines_of(figure)[0].get_segments()) == 6
