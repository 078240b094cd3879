import dataclasses
import functools
import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae import networks
from keras_ae.autoencoder import Autoencoder
from keras_ae.compatibility import check_separate
from keras_ae.compiled_verbs import in_chunks
from keras_ae.conditions import Categorical, Condition, Mixed, PartlyKnown
from keras_ae.hyperparameters import Hyperparameter
from keras_ae.input_checks import check_built, checked_arrays, checked_examples
from keras_ae.networks import Network
from keras_ae.objectives.augmentation import AUGMENTATIONS, affine, check_images
from keras_ae.objectives.cluster_refinement import refine
from keras_ae.parts import build_once, name_part, without_shapes
from keras_ae.random import check_seed
from keras_ae.step_context import StepContext
from keras_ae.training import Tracker
from keras_ae.training.data_adapter import is_stream
from keras_ae.training.preparation import Preparation
from keras_ae.validation.arguments import check_choice, check_number, check_size


@keras.saving.register_keras_serializable(package="keras_ae")
class SemiSupervisedVAE(Autoencoder):
    """Semi-supervised VAE ("model M2"): a conditional VAE with a classifier, trained on labeled and unlabeled examples.

        L(x, y) = E_q(z|x,y)[-log p(x|y, z)] + KL(q(z|x, y) || p(z)) - log p(y) >= -log p(x, y),  p(y) = 1 / K
        loss = L(x, y) - alpha * log q(y|x)                      where the label y is known
        loss = sum_y q(y|x) (L(x, y) + log q(y|x)) >= -log p(x)  where it is not

    With an `augmentation` t, the classifier also learns that t(x) has the class of x:

        loss += consistency * KL(c || q(y|t(x))),  c = the label where it is known, else q(y|x) without gradient

    `fit` can train the classifier alone first, for `classifier_epochs`: with labels, and so that neither an
    augmentation nor a small adversarial change of an example changes its class
    (`keras_ae.objectives.cluster_refinement.refine`). This costs far less per epoch than the loss above, suits few
    labels, and favors classes of equal size.

    An unknown label is -1, in `fit` and `evaluate` only; everywhere else a label is one of 0 ... K - 1. The objective's
    terms are means over q(y|x) where the label is unknown. Two more terms are reported: `label_kl`, the KL of the label
    in nats (log K where it is known, else KL(q(y|x) || p(y))), and `classification`, -log q(y|x) of known labels and 0
    of unknown ones; with an `augmentation`, also `consistency`, the divergence above. A step encodes and decodes each
    example under every label, so it costs K times as much as a step of `ConditionalVAE`.

    Args:
        condition: `Categorical(K)`, the label, or a dictionary of properties that includes the label; required. The
            other properties must be known for every example; encoder and decoder receive them as in `ConditionalVAE`.
        label: name of the property that is the label; optional if exactly one property is `Categorical`.
        classifier: network from x to features of q(y|x), as `encoder`; it does not receive the condition.
        alpha: weight of the classification loss of known labels, >= 0. The paper multiplies the mean over known labels
            by 0.1 N, which is 0.1 N / N_known per example.
        augmentation: random changes that keep the class: `"affine"` for small shifts, rotations, zooms and shears of
            images, or `None`.
        consistency: weight of the consistency loss, >= 0, which is for an `augmentation`.
        classifier_epochs: epochs in which the classifier is trained before the first epoch of `fit`; 0 for none.
        latent_dim: dimension of the code, D; it need not represent what the label already determines.
        encoder, decoder, posterior, prior, likelihood, objective, seed: as in `Autoencoder`.

    Raises:
        ValueError: for a condition without a label, a label that is not `Categorical`, and arguments out of range;
            when it is built, for an augmentation of examples that are not images.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> x, labels = np.random.rand(64, 8, 8, 1), np.where(np.arange(64) < 20, np.arange(64) % 10, -1)
        >>> model = SemiSupervisedVAE(latent_dim=2, condition=kae.Categorical(10))
        >>> model.compile()
        >>> history = model.fit(x, labels, verbose=0)
        >>> model.classify(x).shape, model.sample(10, condition=range(10), seed=7).shape
        (TensorShape([64, 10]), TensorShape([10, 8, 8, 1]))

    References:
        Kingma et al. 2014, arXiv:1406.5298, equations 6 to 9; Xie et al. 2020, "Unsupervised data augmentation for
        consistency training", arXiv:1904.12848, equation 1, for the consistency; Hu et al. 2017, arXiv:1702.08720, for
        the pretraining.
    """

    needs_condition = True
    alpha = Hyperparameter(functools.partial(check_number, low=0.0))
    consistency = Hyperparameter(functools.partial(check_number, low=0.0))

    def __init__(
        self,
        encoder: Network = "mlp",
        decoder: Network = "mlp",
        *,
        condition: Condition | dict[str, Condition],
        label: str | None = None,
        classifier: Network = "mlp",
        alpha: float = 10.0,
        augmentation: str | None = None,
        consistency: float = 1.0,
        classifier_epochs: int = 0,
        **kwargs: Any,
    ):
        super().__init__(encoder, decoder, condition=condition, **kwargs)
        self.label = _label(self.condition, label)
        self.alpha, self.consistency = alpha, consistency
        self.augmentation = check_choice("augmentation", augmentation, (None, *AUGMENTATIONS))
        self.classifier_epochs = check_size("classifier_epochs", classifier_epochs, low=0)
        self.classifier = networks.get("classifier", classifier)
        check_separate(encoder=self.encoder, decoder=self.decoder, classifier=self.classifier)
        name_part(self.classifier, "classifier")
        head = [keras.layers.Flatten(), keras.layers.Dense(self.num_classes)]
        self.head = keras.Sequential(head, name="classifier_head")
        self.pretrained = None
        names = ("label_kl", "classification", *(("consistency",) if augmentation else ()))
        self.trackers += [Tracker(name=name) for name in names]

    def _build_parts(self):
        super()._build_parts()
        check_images(self.augmentation, self.event_shape)
        shape = (None, *self.event_shape)
        features = self._build_network("classifier", shape, (self.num_classes,), conditional=False)
        with self._weights_of("head", self.head):
            build_once(self.head, features)
        if self.classifier_epochs and self.pretrained is None:  # the first time
            options = {"name": "pretrained", "shape": (), "initializer": "zeros", "trainable": False}
            self.pretrained = self.add_weight(**options, dtype="float32", autocast=False)

    @property
    def num_classes(self) -> int:
        """The number of classes, K."""
        return self.condition.properties[self._label_name].num_classes

    @property
    def _label_name(self):
        """The name of the label among the properties of the condition."""
        return "condition" if self.label is None else self.label

    def classify(self, x: Any) -> tf.Tensor:
        """Returns q(y|x), the class probabilities [B, K]."""
        check_built(self, "classify")
        x = checked_examples(self, x)
        return in_chunks(lambda part, _: tf.nn.softmax(self.class_logits(part)), tf.convert_to_tensor(x), None)

    def cluster(self, x: Any, condition: Any = None) -> np.ndarray:
        """Returns the most likely class of each example, int64 [B]; `condition` is not used, as in `classify`."""
        return np.argmax(self.classify(x), axis=-1)

    def pretrain_classifier(
        self, x: Any, condition: Any, *, epochs: int | None = None, seed: int = 0, verbose: bool = False
    ) -> None:
        """Trains the classifier alone, with known labels and small changes of all examples.

        `fit` calls it before its first epoch if the model has `classifier_epochs`, unless you have called it.

        Args:
            x: examples [N, *event] in memory, N >= 2.
            condition: their conditions, as in `fit`; an unknown label is -1.
            epochs: passes over the examples; by default `classifier_epochs`.
            seed: integer seed of the order of the examples and of their changes.
            verbose: whether to show a progress bar.

        Raises:
            ValueError: for a stream, and for data without a known label.
        """
        if is_stream(x):
            raise ValueError(f"`x` must be arrays for the pretraining of a classifier. Received: {type(x).__name__}")
        x, condition, _ = checked_arrays(self, x, condition, training=True)
        labels = np.ravel(self.condition.by_name(condition)[self._label_name])
        if not (labels >= 0).any():
            raise ValueError("`condition` must have at least one known label. Received: none")
        with self.distribute_strategy.scope():
            refine(
                self._log_probabilities,
                [*self.classifier.trainable_variables, *self.head.trainable_variables],
                x,
                epochs=self.classifier_epochs if epochs is None else check_size("epochs", epochs),
                augmentation=self.augmentation,
                labels=labels,
                seed=check_seed(seed),
                verbose=verbose,
            )
        if self.classifier_epochs:
            self.pretrained.assign(1.0)

    def _log_probabilities(self, x):
        return tf.nn.log_softmax(self.class_logits(x, training=True))

    def _callbacks(self, x, condition):
        def is_due(epoch):
            return not keras.ops.convert_to_numpy(self.pretrained)  # also under a strategy of tf.distribute

        if not self.classifier_epochs or (self.pretrained is not None and not is_due(0)):
            return []
        return [Preparation(x, condition, "training the classifier", is_due=is_due, prepare=self.pretrain_classifier)]

    def class_logits(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns the logits of q(y|x) for tensors x [B, *event]: float32 [B, K]."""
        return tf.cast(self.head(self.classifier(x, training=training)), tf.float32)

    def terms(self, x: tf.Tensor, condition: Any, step_context: StepContext) -> dict[str, tf.Tensor]:
        num, batch = self.num_classes, tf.shape(x)[0]
        others = dict(self.condition.by_name(condition))
        labels = others.pop(self._label_name)
        log_probs = tf.nn.log_softmax(self.class_logits(x, training=step_context.training))  # [B, K]
        labels = tf.one_hot(tf.cast(tf.reshape(labels, [-1]), tf.int32), num)  # of -1: zeros
        known = tf.reduce_sum(labels, axis=-1)  # [B], 1 or 0
        shares = tf.where(known[:, tf.newaxis] > 0, labels, tf.exp(log_probs))  # weight of each label in the loss
        terms = super().terms(*self._under_every_label(x, others, shares, step_context))  # [K * B] each
        # The classifier learns from the model's loss alone, not from a discriminator's loss.
        weights = {name: tf.stop_gradient(shares) if name == "discriminator" else shares for name in terms}
        terms = {
            name: tf.reduce_sum(weights[name] * tf.transpose(tf.reshape(values, [num, batch])), axis=-1)
            for name, values in terms.items()
        }
        label_kl = math.log(num) + (1.0 - known) * tf.reduce_sum(tf.exp(log_probs) * log_probs, axis=-1)
        classification = -tf.reduce_sum(labels * log_probs, axis=-1)
        loss = terms["loss"] + label_kl + self.alpha * classification
        terms |= {"loss": loss, "label_kl": label_kl, "classification": classification}
        if self.augmentation is not None:
            copies = affine(x, tfp.random.sanitize_seed(step_context.seed, salt="augmentation"))
            log_copies = tf.nn.log_softmax(self.class_logits(copies, training=step_context.training))
            target = tf.stop_gradient(shares)
            consistency = tf.reduce_sum(tf.math.xlogy(target, target) - target * log_copies, axis=-1)
            terms |= {"loss": loss + self.consistency * consistency, "consistency": consistency}
        return terms

    def _mean_reconstruction(self, x, condition):
        """Replaces unknown labels by the most likely ones."""
        properties = self.condition.by_name(condition)
        label = properties[self._label_name]
        likely = tf.argmax(self.class_logits(tf.cast(x, tf.float32)), axis=-1, output_type=label.dtype)
        label = tf.where(label < 0, tf.reshape(likely, tf.shape(label)), label)
        return super()._mean_reconstruction(x, self.condition.from_named({**properties, self._label_name: label}))

    @property
    def _training_condition(self):
        known = self.condition.properties[self._label_name]
        label = PartlyKnown(known.num_classes, known.vocabulary)
        return label if self.label is None else Mixed({**self.condition.properties, self.label: label})

    @property
    def _prefers_xla(self):
        # XLA has no affine transformation of images.
        return super()._prefers_xla and self.augmentation is None and not networks.has_convolutions(self.classifier)

    def get_config(self):
        classifier = without_shapes(keras.saving.serialize_keras_object(self.classifier))
        names = ("alpha", "augmentation", "consistency", "classifier_epochs")
        chosen = {name: getattr(self, name) for name in names}
        return {**super().get_config(), "label": self.label, "classifier": classifier, **chosen}

    def _under_every_label(self, x, others, shares, step_context):
        """Repeats x [B, ...] and the others under every label, [K * B, ...] with label 0 first, weighted by label."""
        num = self.num_classes
        weights = tf.transpose(tf.stop_gradient(shares))  # [K, B]
        if step_context.weight is not None:
            weights *= step_context.weight
        labels = tf.reshape(tf.tile(tf.range(num)[:, tf.newaxis], [1, tf.shape(x)[0]]), [-1])
        x, others = tf.nest.map_structure(lambda t: tf.tile(t, [num] + [1] * (len(t.shape) - 1)), (x, others))
        condition = self.condition.from_named({**others, self._label_name: labels})
        return x, condition, dataclasses.replace(step_context, weight=tf.reshape(weights, [-1]), copies=num)


def _label(condition, label):
    """Returns the name of the property that is the label; `None` if the label is the whole condition.

    Raises:
        ValueError: where there is no such property.
    """
    if isinstance(condition, Categorical):
        if label is not None:
            raise ValueError(f"`label` must be None when `condition` is the label itself. Received: {label!r}")
        return None
    properties = {} if condition is None else condition.properties
    known = [name for name, part in properties.items() if isinstance(part, Categorical)]
    if not known:
        raise ValueError(
            "`condition` must be Categorical, or a dictionary with a Categorical property. "
            f"Received: {type(condition).__name__}"
        )
    if label is None and len(known) > 1:
        raise ValueError(f"`label` must be one of {', '.join(known)}. Received: None")
    return known[0] if label is None else check_choice("label", label, known)
