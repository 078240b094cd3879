import math

import keras
import numpy as np

from keras_ae import latents, objectives
from keras_ae.autoencoder import Autoencoder
from keras_ae.schedules import LinearWarmUp
from keras_ae.validation.arguments import MAX_COUNT, check_number, check_size, check_widths


@keras.saving.register_keras_serializable(package="keras_ae")
class JointVAE(Autoencoder):
    """VAE with joint continuous and categorical codes, which can discover classes and styles without labels.

        loss = reconstruction + gamma * |kl_z - C_z(step)| + gamma * |kl_c - C_c(step)|

    A code is a normal vector followed by one one-hot vector per categorical variable. Training draws relaxed one-hot
    vectors. Both capacities grow linearly from 0.

    Args:
        latent_dim: dimension of the whole code, D, including the sum(categories) values of the one-hot vectors.
        categories: number of classes of each categorical variable.
        temperature: temperature of the relaxed one-hot vectors, a positive number or a schedule (symbol tau).
        capacity: final capacity of the continuous values in nats per example (symbol C_z), or a schedule.
        categorical_capacity: final capacity of all one-hot vectors together (symbol C_c), or a schedule; `None` for
            the maximum, the sum of log num_classes.
        warm_up: number of steps until the capacities are reached. The paper uses 25,000 steps of 64 examples for
            MNIST; with far fewer than 2,000 steps, all examples may fall into one class.
        gamma: weight of the distances from the capacities; 30 in the paper. A smaller weight reconstructs better.
        encoder, decoder, likelihood, condition, seed: as in `Autoencoder`.

    Example:
        >>> import numpy as np
        >>> model = JointVAE(latent_dim=5, categories=(3,))
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0)
        >>> model.encode(np.random.rand(4, 8, 8, 1))[:, 2:].shape  # the probabilities of three classes
        TensorShape([4, 3])

    References:
        Dupont 2018, arXiv:1804.00104, equation 7.
    """

    fixed = ("posterior", "prior", "objective")
    settings = ("gamma",)

    def __init__(
        self,
        encoder="mlp",
        decoder="mlp",
        *,
        latent_dim=20,
        categories=(10,),
        temperature=0.67,
        capacity=5.0,
        categorical_capacity=None,
        warm_up=2_000,
        gamma=10.0,
        **kwargs,
    ):
        classes = check_widths("categories", categories, each="one per variable")
        values = check_size("latent_dim", latent_dim) - sum(classes)
        if values < 1:
            raise ValueError(
                f"`latent_dim` must be more than the {sum(classes)} values of `categories`. "
                f"Received: latent_dim={latent_dim}"
            )
        most = sum(math.log(num) for num in classes)
        discrete = most if categorical_capacity is None else categorical_capacity
        warm_up = check_size("warm_up", warm_up, high=MAX_COUNT)
        capacities = {"capacity": capacity, "categorical_capacity": discrete}
        capacities = [_grown(name, value, warm_up) for name, value in capacities.items()]
        sizes = (values, *classes)
        posteriors = [latents.RelaxedCategorical(num, temperature=temperature) for num in classes]
        priors = [latents.UniformCategorical(num) for num in classes]
        super().__init__(
            encoder,
            decoder,
            latent_dim=latent_dim,
            posterior=latents.MixedPosterior([latents.DiagonalNormal(), *posteriors], sizes),
            prior=latents.MixedPrior([latents.StandardNormal(), *priors], sizes),
            objective=objectives.JointCapacity(*capacities, gamma),
            **kwargs,
        )

    def cluster(self, x, condition=None):
        """Returns the most likely class of each example, int64 [B].

        Several categorical variables give one class, for each combination of theirs: c_1 * num_classes_2 + c_2 for two.

        Args:
            x: examples [B, *event].
            condition: the conditions of the examples, for a conditional model.
        """
        sizes = self.posterior_layer.sizes
        parts = np.split(self.encode(x, condition).numpy(), np.cumsum(sizes)[:-1], axis=-1)[1:]
        return np.ravel_multi_index([np.argmax(part, axis=-1) for part in parts], sizes[1:])

    # Attributes that may be assigned; they live in the parts.

    @property
    def temperature(self):
        return self._categorical[0].temperature

    @temperature.setter
    def temperature(self, value):
        for part in self._categorical:
            part.temperature = value

    @property
    def capacity(self):
        return _end(self.objective.capacity, self.warm_up)

    @capacity.setter
    def capacity(self, value):
        self._grow_to("capacity", value)

    @property
    def categorical_capacity(self):
        return _end(self.objective.categorical_capacity, self.warm_up)

    @categorical_capacity.setter
    def categorical_capacity(self, value):
        self._grow_to("categorical_capacity", value)

    @property
    def warm_up(self):
        return max((part.num_steps for part in self._growing), default=1)

    @warm_up.setter
    def warm_up(self, value):
        value = check_size("warm_up", value, high=MAX_COUNT)
        for part in self._growing:
            part.num_steps = value

    def _grow_to(self, name, value):
        grown = _grown(name, value, self.warm_up)
        if isinstance(getattr(self, name), float) and grown is not value:
            getattr(self.objective, name).end = grown.end  # the schedule stays, so nothing is retraced
        else:
            setattr(self.objective, name, grown)

    @property
    def _growing(self):
        capacities = self.objective.capacity, self.objective.categorical_capacity
        return [value for value in capacities if isinstance(value, LinearWarmUp)]

    @property
    def _categorical(self):
        return self.posterior_layer.parts[1:]

    def get_config(self):
        names = ("temperature", "capacity", "categorical_capacity", "warm_up")
        return {
            **super().get_config(),
            "categories": [part.num_classes for part in self._categorical],
            **{name: keras.saving.serialize_keras_object(getattr(self, name)) for name in names},
        }


def _grown(name, value, warm_up):
    """Returns the schedule of a capacity: linear growth to a number, or the given schedule."""
    if isinstance(value, keras.optimizers.schedules.LearningRateSchedule):
        return value
    return LinearWarmUp(warm_up, end=check_number(name, value, low=0.0, also=", or a schedule"))


def _end(schedule, warm_up):
    """Inverts `_grown`: returns the end of a schedule that `_grown` made, and any other schedule unchanged."""
    made = isinstance(schedule, LinearWarmUp) and schedule.start == 0.0 and schedule.num_steps == warm_up
    if isinstance(schedule, float):  # assigned to the objective itself: constant from the first step
        return LinearWarmUp(1, start=schedule, end=schedule)
    return schedule.end if made else schedule
