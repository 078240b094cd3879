import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_ae import latents, objectives
from keras_ae.autoencoder import Autoencoder
from keras_ae.networks import Network
from keras_ae.schedules import LinearWarmUp
from keras_ae.schedules.values import FloatOrSchedule
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
        capacity: final capacity of the continuous values in nats per example (symbol C_z), or a schedule. The
            attribute is a schedule; a number that is assigned to it is a constant capacity.
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
    settings = ("capacity", "categorical_capacity", "gamma")

    def __init__(
        self,
        encoder: Network = "mlp",
        decoder: Network = "mlp",
        *,
        latent_dim: int = 20,
        categories: Sequence[int] = (10,),
        temperature: FloatOrSchedule = 0.67,
        capacity: FloatOrSchedule = 5.0,
        categorical_capacity: FloatOrSchedule | None = None,
        warm_up: int = 2_000,
        gamma: FloatOrSchedule = 10.0,
        **kwargs: Any,
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
        capacities = [_growing(name, value, warm_up) for name, value in capacities.items()]
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
        self.warm_up = warm_up

    def cluster(self, x: Any, condition: Any = None) -> np.ndarray:
        """Returns the most likely class of each example, int64 [B].

        Several categorical variables give one class per combination: c_1 * num_classes_2 + c_2 for two.

        Args:
            x: examples [B, *event].
            condition: the conditions of the examples, for a conditional model.
        """
        sizes = self.posterior_layer.sizes
        parts = np.split(self.encode(x, condition).numpy(), np.cumsum(sizes)[:-1], axis=-1)[1:]
        return np.ravel_multi_index([np.argmax(part, axis=-1) for part in parts], sizes[1:])

    @property
    def temperature(self) -> FloatOrSchedule:
        return self._categorical[0].temperature

    @temperature.setter
    def temperature(self, value: FloatOrSchedule):
        for part in self._categorical:
            part.temperature = value

    @property
    def _categorical(self):
        return self.posterior_layer.parts[1:]

    def get_config(self):
        capacities = {name: _schedule(getattr(self.objective, name)) for name in ("capacity", "categorical_capacity")}
        scheduled = {**capacities, "temperature": self.temperature}
        return {
            **super().get_config(),
            "categories": [part.num_classes for part in self._categorical],
            "warm_up": self.warm_up,
            **{name: keras.saving.serialize_keras_object(value) for name, value in scheduled.items()},
        }


def _schedule(capacity):
    """Returns the schedule of a capacity, also of a number that was assigned to the objective."""
    return LinearWarmUp(1, start=capacity, end=capacity) if isinstance(capacity, float) else capacity


def _growing(name, value, warm_up):
    """Returns a schedule of linear growth to a number, and any other schedule unchanged."""
    if isinstance(value, keras.optimizers.schedules.LearningRateSchedule):
        return value
    return LinearWarmUp(warm_up, end=check_number(name, value, low=0.0, also=", or a schedule"))
