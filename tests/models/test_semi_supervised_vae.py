import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import special, stats
from tiers import first

import keras_ae as kae
from keras_ae.models import ConditionalVAE, SemiSupervisedVAE, semi_supervised_vae
from keras_ae.objectives import (
    ELBO,
    IWAE,
    AdversarialMatching,
    LearnedSimilarity,
    TotalCorrelation,
    augmentation,
    cluster_refinement,
)
from keras_ae.step_context import StepContext

SEED = tf.constant([3, 4], tf.int32)
RNG = np.random.default_rng(0)
X = RNG.random((6, 5)).astype("float32")
LABELS = np.int32([0, -1, 2, -1, 1, 0])


def small(cls=SemiSupervisedVAE, event=5, **arguments):
    network = kae.networks.MLP
    if cls is SemiSupervisedVAE:
        arguments = {"classifier": network([4]), **arguments}
    model = cls(network([4]), network([3]), latent_dim=2, condition=kae.Categorical(3), **arguments)
    model.build((None, *np.atleast_1d(event).tolist()))
    rng = np.random.default_rng(4)
    model.set_weights([rng.normal(size=w.shape, scale=0.5) for w in model.get_weights()])
    return model


def terms_of(model, x=X, labels=LABELS, weight=None):
    return model.terms(x, labels, StepContext(SEED, weight=weight))


def under_every_label(model, objective="elbo"):
    """The terms of a `ConditionalVAE` with the same weights, for each example under each label: [K, B]."""
    plain = small(ConditionalVAE, objective=objective)
    for name in ("encoder", "decoder", "posterior_layer", "likelihood_layer"):
        getattr(plain, name).set_weights(getattr(model, name).get_weights())
    terms = terms_of(plain, np.tile(X, [3, 1]), np.repeat(np.arange(3), 6))
    return {name: np.reshape(values, [3, 6]).astype("float64") for name, values in terms.items()}


def test_with_all_labels_known_it_is_the_conditional_vae():
    """But for -log p(y), which is log 3 for every label."""
    model = small(alpha=0.0)
    labels = np.arange(6) % 3
    terms, every = terms_of(model, labels=labels), under_every_label(model)
    for name, values in every.items():
        constant = np.log(3) if name == "loss" else 0.0
        np.testing.assert_allclose(terms[name], values[labels, range(6)] + constant, rtol=1e-5)
    np.testing.assert_allclose(terms["label_kl"], np.log(3), rtol=1e-6)


def test_mutual_information_is_that_of_the_examples_however_many_labels_each_has():
    """Where the batch is all there is, q(z) is the mean over examples of sum_y q(y|x) q(z|x, y)."""
    model = small(objective=TotalCorrelation(6))
    encoder = small(ConditionalVAE)
    for name in ("encoder", "posterior_layer"):
        getattr(encoder, name).set_weights(getattr(model, name).get_weights())
    every = encoder.posterior(np.tile(X, [3, 1]), np.repeat(np.arange(3), 6))  # label 0 first
    z, log_q = every.experimental_sample_and_log_prob(seed=SEED)
    shares = np.where(LABELS[:, np.newaxis] < 0, model.classify(X), np.eye(3)[LABELS]).T  # [3, 6]
    pairs = every.log_prob(z[:, np.newaxis]).numpy()  # log q(z_i|x_j, y_j)
    information = log_q - special.logsumexp(pairs, b=shares.reshape(1, 18) / 6, axis=1)
    expected = np.sum(shares * information.numpy().reshape(3, 6), axis=0)
    np.testing.assert_allclose(terms_of(model)["mutual_information"], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("objective", [ELBO(beta=2.0, num_samples=2), IWAE(3)], ids=["elbo", "iwae"])
def test_loss_equals_enumeration(objective):
    model = small(alpha=7.0, objective=objective)
    terms, every = terms_of(model), under_every_label(model, objective)
    q = model.classify(X).numpy().astype("float64")
    for i, label in enumerate(LABELS):
        if label >= 0:
            expected = every["loss"][label, i] + np.log(3) - 7 * np.log(q[i, label])
            kl = every["kl"][label, i]
        else:
            expected = sum(q[i, y] * (every["loss"][y, i] + np.log(3)) for y in range(3)) - stats.entropy(q[i])
            kl = q[i] @ every["kl"][:, i]
        np.testing.assert_allclose(terms["loss"][i], expected, rtol=1e-5)
        np.testing.assert_allclose(terms["kl"][i], kl, rtol=1e-5)
        known = -np.log(q[i, label]) if label >= 0 else 0.0
        np.testing.assert_allclose(terms["classification"][i], known, rtol=1e-5)


NOISE = 0.6
MIXING = np.array([[1.0, 0.5], [1.0, -0.5], [0.5, 0.0]])  # x = MIXING z + SHIFTS y + NOISE e, of diagonal M'M
SHIFTS = np.array([[1.0, 0.0, -0.5], [0.0, 0.8, 0.4], [-0.6, 0.3, 0.0]])


@pytest.fixture
def exact():
    """A linear model of three values, and the weights with which q(z|x, y) and q(y|x) are exact."""
    linear = {"activation": "linear"}
    model = SemiSupervisedVAE(
        kae.networks.MLP([6], **linear),
        kae.networks.MLP([3], **linear),
        classifier=kae.networks.MLP([3], **linear),
        condition=kae.Categorical(3),
        latent_dim=2,
        likelihood=kae.likelihoods.Normal(NOISE),
        objective=ELBO(kl="monte_carlo", num_samples=2000),  # means with an error of about 0.02
        alpha=0.0,
    )
    model.build((None, 3))
    features = kae.Categorical(3)(np.arange(3)).numpy()  # [K, F], standardized
    told = np.linalg.lstsq(features, SHIFTS.T, rcond=1e-4)[0]  # features @ told = a shift each, but for the mean
    offset = (SHIFTS.T - features @ told).mean(axis=0)
    model.decoder.set_weights([np.concatenate([MIXING.T, told]), offset])
    model.likelihood_layer.dense.set_weights([np.eye(3), np.zeros(3)])
    precision = 1 + (MIXING**2).sum(axis=0) / NOISE**2
    gain = MIXING / NOISE**2 / precision  # [3, 2]
    raw = np.log(np.expm1(1 / np.sqrt(precision) - 1e-5))
    model.encoder.set_weights([np.eye(6), np.zeros(6)])
    kernel = np.concatenate([np.concatenate([gain, -told @ gain]), np.zeros([6, 2])], axis=1)
    model.posterior_layer.dense.set_weights([kernel, np.concatenate([-offset @ gain, raw])])
    covariance = MIXING @ MIXING.T + NOISE**2 * np.eye(3)
    model.classifier.set_weights([np.eye(3), np.zeros(3)])
    by_class = np.linalg.solve(covariance, SHIFTS)  # linear discriminant analysis
    model.head.set_weights([by_class, -0.5 * (SHIFTS * by_class).sum(axis=0)])
    return model, covariance


def test_with_exact_posteriors_the_bounds_are_the_evidence(exact):
    """log p(x, y) where the label is known, log p(x) where it is not; with other weights they are below."""
    model, covariance = exact
    x = np.random.default_rng(5).normal(size=(6, 3)).astype("float32")
    joint = np.stack([stats.multivariate_normal(shift, covariance).logpdf(x) for shift in SHIFTS.T]) - np.log(3)
    np.testing.assert_allclose(model.classify(x), special.softmax(joint, axis=0).T, rtol=1e-4, atol=1e-5)
    evidence = np.where(LABELS < 0, special.logsumexp(joint, axis=0), joint[LABELS, range(6)])
    np.testing.assert_allclose(-terms_of(model, x)["loss"], evidence, rtol=1e-4, atol=1e-4)
    rng = np.random.default_rng(6)
    for part in (model.posterior_layer, model.head):
        part.set_weights([w + 0.3 * rng.normal(size=w.shape) for w in part.get_weights()])
    assert (-terms_of(model, x)["loss"] < evidence - 0.05).numpy().all()


def test_gradients_reach_every_part_and_are_finite():
    model = small()
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(terms_of(model, 1e3 * X - 500)["loss"])
    variables = model.trainable_variables
    for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
        assert np.isfinite(gradient).all() and np.any(gradient), variable.path


def test_an_unknown_label_teaches_the_classifier_by_the_bound_alone():
    """Its gradient is that of sum_y q(y|x) (L(x, y) + log q(y|x)): share by share, q (loss_y - mean)."""
    model = small(alpha=0.0)
    logits = tf.Variable(model.class_logits(X))
    model.class_logits = lambda x, training=False: tf.convert_to_tensor(logits)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(terms_of(model, labels=np.full(6, -1))["loss"])
    q = special.softmax(logits.numpy().astype("float64"), axis=1)
    each = under_every_label(model)["loss"].T + np.log(q)
    expected = q * (each - (q * each).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(tape.gradient(loss, logits), expected, rtol=1e-4, atol=1e-5)


def test_a_discriminator_teaches_the_classifier_nothing():
    for objective in (AdversarialMatching, LearnedSimilarity):
        model = small(objective=objective(discriminator=kae.networks.MLP([4])))
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(terms_of(model, labels=np.full(6, -1))["discriminator"])
        own = [*model.classifier.trainable_variables, *model.head.trainable_variables]
        assert own and all(gradient is None for gradient in tape.gradient(loss, own))


def compiled(**arguments):
    model = small(**arguments)
    model.compile(keras.optimizers.Adam(0.01), run_eagerly=True)
    return model


DATA, PARTLY = np.tile(X, [4, 1]), np.tile(LABELS, 4)


@pytest.mark.parametrize("form", first(1, ["arrays", "dataset", "generator"]))
def test_unknown_labels_pass_the_doors_of_training(form):
    model = compiled()
    expected = float(np.mean(terms_of(model, DATA, PARTLY)["label_kl"]))
    given = {
        "arrays": lambda: (DATA, PARTLY),
        "dataset": lambda: (tf.data.Dataset.from_tensor_slices((DATA, PARTLY)).batch(24),),
        "generator": lambda: (itertools.repeat((DATA, PARTLY)),),
    }[form]
    generator = form == "generator"
    steps = {"steps": 1} if generator else {}
    result = model.evaluate(*given(), verbose=0, return_dict=True, **steps)
    assert set(result) == {"loss", "kl", "reconstruction", "label_kl", "classification"}
    assert result["label_kl"] == pytest.approx(expected, rel=1e-4)
    model.fit(*given(), verbose=0, shuffle=not generator, steps_per_epoch=steps.get("steps"))
    assert np.isfinite(model.test_on_batch(X, LABELS)).all()
    assert np.isfinite(model.train_on_batch(X, LABELS)).all()


@pytest.mark.parametrize("door", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
@pytest.mark.parametrize("wrong", first(1, [-2, 3]))
def test_other_labels_are_refused_in_training(door, wrong):
    labels = LABELS.copy()
    labels[4] = wrong
    message = rf"must hold labels in \[0, 3\), or -1 if unknown\. Received: {wrong} at row 4"
    with pytest.raises(ValueError, match=message):
        getattr(compiled(), door)(X, labels)
    with pytest.raises(tf.errors.InvalidArgumentError, match="or -1 if unknown"):
        compiled().fit(tf.data.Dataset.from_tensor_slices((X, labels)).batch(6), verbose=0)


@pytest.mark.parametrize("door", ["encode", "reconstruct", "posterior", "decode", "predict"])
def test_unknown_labels_are_refused_elsewhere(door):
    model = compiled()
    given = ((X, LABELS),) if door == "predict" else (X[:, :2] if door == "decode" else X, LABELS)
    with pytest.raises(ValueError, match=r"must hold labels in \[0, 3\)\. Received: -1 at row 1"):
        getattr(model, door)(*given)
    with pytest.raises(ValueError, match=r"Received: -1 at row 0"):
        model.sample(2, condition=-1)
    with pytest.raises(ValueError, match=r"Received: -1 at row 1"):
        kae.evaluate.log_likelihood(model, X, LABELS, num_samples=2)


def test_rows_of_weight_zero_count_nothing():
    """The last batch is filled up with such rows."""
    full, part = compiled(), compiled()
    weights = np.float32([1, 1, 1, 1, 0, 0])
    given = {"verbose": 0, "return_dict": True}
    with_weights = full.evaluate(X, LABELS, sample_weight=weights, batch_size=6, **given)
    terms = terms_of(part, weight=tf.constant(weights))
    np.testing.assert_allclose(terms["loss"], terms_of(part)["loss"], rtol=1e-6)
    known = np.mean(np.array(terms["classification"]) * weights)
    assert with_weights["classification"] == pytest.approx(known, rel=1e-5)


@pytest.mark.slow
def test_classifier_survives_the_file(tmp_path):
    model = small(alpha=3.0)
    model.save(tmp_path / "model.keras")
    again = kae.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.classify(X), model.classify(X))
    assert (again.alpha, again.classifier.hidden, [each.name for each in again.metrics]) == (
        3.0,
        (4,),
        ["loss", "kl", "reconstruction", "label_kl", "classification"],
    )


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"condition": kae.Continuous()}, "`condition` must be Categorical, or .* Received: Continuous"),
        ({"condition": {"slant": kae.Continuous()}}, "or a dictionary with a Categorical property. Received: Mixed"),
        ({"label": "digit"}, "`label` must be None when `condition` is the label itself. Received: 'digit'"),
        (
            {"condition": {"digit": kae.Categorical(3), "writer": kae.Categorical(2)}},
            "`label` must be one of digit, writer. Received: None",
        ),
        (
            {"condition": {"digit": kae.Categorical(3), "slant": kae.Continuous()}, "label": "slant"},
            "`label` must be \"digit\". Received: label='slant'",
        ),
        ({"alpha": -1.0}, "`alpha` must be a finite number >= 0"),
        ({"classifier": "transformer"}, "`classifier` must be one of"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        SemiSupervisedVAE(**{"condition": kae.Categorical(3), **arguments})


def test_a_classifier_that_does_not_fit_is_refused_by_name():
    wrong = keras.Sequential([keras.Input([99]), keras.layers.Dense(3)])
    with pytest.raises(ValueError, match=r"`classifier` must take inputs of shape \(None, 5\)"):
        small(classifier=wrong)


def test_classify_checks_its_examples():
    with pytest.raises(ValueError, match=r"`x` must have shape \[N, 5\]"):
        small().classify(np.zeros([3, 4]))
    with pytest.raises(ValueError, match="call `fit` before `classify`"):
        SemiSupervisedVAE(condition=kae.Categorical(3)).classify(X)


IMAGES = np.random.default_rng(1).random((6, 5, 5, 1)).astype("float32")


def test_consistency_is_the_divergence_from_the_classes_of_augmented_images(monkeypatch):
    monkeypatch.setattr(semi_supervised_vae, "affine", lambda x, seed: x[:, ::-1])
    models = [small(event=(5, 5, 1), augmentation=name, consistency=3.0) for name in (None, "affine")]
    plain, terms = (terms_of(model, IMAGES) for model in models)
    p = np.where(LABELS[:, np.newaxis] < 0, models[1].classify(IMAGES), np.eye(3)[LABELS])
    expected = stats.entropy(p, models[1].classify(IMAGES[:, ::-1]), axis=1)
    assert expected.min() > 0
    np.testing.assert_allclose(terms["consistency"], expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(terms["loss"], plain["loss"] + 3.0 * expected, rtol=1e-4)


def test_consistency_moves_the_classes_of_copies_toward_those_of_images_not_back(monkeypatch):
    monkeypatch.setattr(semi_supervised_vae, "affine", lambda x, seed: tf.zeros_like(x))
    model = small(event=(5, 5, 1), augmentation="affine")
    model.classifier.trainable = False
    with tf.GradientTape() as tape:
        consistency = terms_of(model, IMAGES)["consistency"]
    bias = model.head.weights[-1]
    q, copies = model.classify(IMAGES).numpy(), model.classify(np.zeros_like(IMAGES)).numpy()
    shares = np.where(LABELS[:, np.newaxis] < 0, q, np.eye(3)[LABELS])
    np.testing.assert_allclose(tape.gradient(consistency, bias.value), (copies - shares).sum(axis=0), rtol=1e-4)


def test_an_augmented_model_trains_and_is_restored(tmp_path):
    model = small(event=(5, 5, 1), augmentation="affine", consistency=2.0)
    model.compile()
    history = model.fit(IMAGES, LABELS, batch_size=6, epochs=2, verbose=0).history
    assert np.isfinite(history["consistency"]).all() and history["consistency"][1] != history["consistency"][0]
    assert model.evaluate(IMAGES, LABELS, verbose=0, return_dict=True)["consistency"] > 0
    model.save(tmp_path / "model.keras")
    again = kae.load(tmp_path / "model.keras")
    assert (again.augmentation, again.consistency) == ("affine", 2.0)
    np.testing.assert_array_equal(again.classify(IMAGES), model.classify(IMAGES))


def test_an_augmentation_of_rows_is_refused():
    with pytest.raises(
        ValueError, match=r'`augmentation` "affine" is for images \[H, W, C\]. Received: examples \[5\]'
    ):
        small(augmentation="affine")
    with pytest.raises(ValueError, match="`augmentation` must be"):
        small(augmentation="blur")


def bars(num):
    """Images of a vertical or a horizontal bar, at any place: (images, which)."""
    rng = np.random.default_rng(1)
    labels, x = np.arange(num) % 2, np.zeros([num, 8, 8, 1], np.float32)
    for image, label, place in zip(x, labels, rng.integers(1, 7, size=num), strict=True):
        image[1:7, place] = 1.0
        image[:] = image.swapaxes(0, 1) if label else image
    return 0.9 * x + 0.1 * rng.random(x.shape).astype("float32"), labels


def pretrained(epochs, **arguments):
    network = kae.networks.MLP
    parts = {"condition": kae.Categorical(2), "classifier": network([32]), "latent_dim": 2}
    return SemiSupervisedVAE(network([8]), network([8]), classifier_epochs=epochs, **parts, **arguments)


def test_pretraining_finds_the_classes_from_one_label_each(monkeypatch):
    monkeypatch.setattr(cluster_refinement, "_LEARNING_RATE", 0.01)  # an epoch is one step
    monkeypatch.setattr(augmentation, "_SHIFT", 0.25)
    x, labels = bars(400)
    known = np.where(np.arange(400) < 6, labels, -1)
    found = {}
    for epochs in (1, 150):
        model = pretrained(epochs, augmentation="affine")
        model.build((None, 8, 8, 1))
        model.pretrain_classifier(x, known)
        found[epochs] = np.mean(model.cluster(x) == labels)
    assert found[1] < 0.8 < 0.95 < found[150], found


def batches_of_bars():
    """Batches as a generator, which can be read once."""
    x, labels = bars(40)
    yield from ((x[start : start + 10], labels[start : start + 10]) for start in range(0, 40, 10))


def test_a_generator_trains_where_no_pretraining_needs_it_too(monkeypatch):
    monkeypatch.setattr(semi_supervised_vae, "refine", lambda *args, **options: None)
    x, labels = bars(20)
    for epochs in (0, 3):
        model = pretrained(epochs)
        model.compile()
        if epochs:
            with pytest.raises(ValueError, match=r"`x` must be data that can be read twice.*Received: generator"):
                model.fit(batches_of_bars(), shuffle=False, steps_per_epoch=4, verbose=0)
            model.pretrain_classifier(x, labels)
        assert np.isfinite(model.fit(batches_of_bars(), shuffle=False, steps_per_epoch=4, verbose=0).history["loss"][0])


def test_a_model_with_pretraining_may_be_built_again():
    model = pretrained(3)
    for _ in range(2):
        model.build((None, 8, 8, 1))
    assert [weight.name for weight in model.weights].count("pretrained") == 1


def test_fit_pretrains_once_and_a_restored_model_does_not_again(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(semi_supervised_vae, "refine", lambda *args, **options: calls.append(options))
    x, labels = bars(20)
    model = pretrained(3)
    model.compile()
    model.fit(x, np.where(labels, 1, -1), epochs=2, verbose=0)
    model.fit(x, labels, epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    again = kae.load(tmp_path / "model.keras")
    again.fit(x, labels, epochs=1, verbose=0)
    assert [each["epochs"] for each in calls] == [3] and (calls[0]["labels"] == np.where(labels, 1, -1)).all()


def test_pretraining_refuses_streams_and_data_without_labels():
    x, labels = bars(20)
    model = pretrained(1)
    model.compile()
    with pytest.raises(ValueError, match="`x` must be arrays for the pretraining of a classifier"):
        model.fit(tf.data.Dataset.from_tensor_slices((x, labels)).batch(10), verbose=0)
    with pytest.raises(ValueError, match="at least one known label"):
        model.fit(x, np.full(20, -1), verbose=0)
