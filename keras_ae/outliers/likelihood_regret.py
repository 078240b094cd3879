import tensorflow as tf

from keras_ae.distribution import tfd
from keras_ae.evaluate.score import score_names, terms_at
from keras_ae.outliers.outlier_score import GraphScore
from keras_ae.validation.arguments import check_positive, check_size

_DECAY, _SQUARE_DECAY, _EPSILON = 0.9, 0.999, 1e-7  # of Adam


class LikelihoodRegret(GraphScore):
    """How much the ELBO of an example grows if its posterior is optimized for it alone, in nats.

        score = max_q ELBO(x; q) - ELBO(x; q(z|x)) = KL(q(z|x) || p(z|x)) - min_q KL(q || p(z|x))

    The encoder knows usual examples; for others it is far from the best posterior. Only the parameters of q of the one
    example are optimized, starting from the encoder's, by Adam with fresh noise in each step. Both ELBOs are means over
    the same draws.

    Args:
        steps: number of steps of Adam.
        learning_rate: size of the first step, in units of the parameters of q. It decays to 0, so that the noise of
            the draws averages out.
        num_samples: draws of each ELBO.

    References:
        Xiao, Yan and Amit 2020, arXiv:2003.02977, "Likelihood regret". Here the parameters of q are optimized, not
        the weights of the encoder.
    """

    def __init__(self, steps: int = 100, learning_rate: float = 0.05, num_samples: int = 16):
        self.steps, self.num_samples = check_size("steps", steps), check_size("num_samples", num_samples)
        self.learning_rate = check_positive("learning_rate", learning_rate)

    def check(self, model):
        posterior = model.posterior_layer
        known = posterior.exact(tf.zeros([1, posterior.output_size()])) if "kl" in score_names(model) else None
        if known is None or known.reparameterization_type != tfd.FULLY_REPARAMETERIZED:
            raise ValueError(
                f"`likelihood_regret` needs a posterior with a density, whose draws follow its parameters smoothly. "
                f"Received: {type(posterior).__name__}"
            )

    def compute(self, model, x, context):
        start = model.posterior_params(x, context)
        best = self._optimized(model, x, context, tf.stop_gradient(tf.cast(start, tf.float32)))
        gains = tf.map_fn(
            lambda seed: self._elbo(model, x, context, best, seed) - self._elbo(model, x, context, start, seed),
            tf.range(self.num_samples),
            fn_output_signature=tf.float32,
        )
        return tf.reduce_mean(gains, axis=0)

    def _optimized(self, model, x, context, params):
        """Returns the parameters [B, P] after the steps of Adam, which treats each number alone."""

        def step(number, params, mean, square):
            with tf.GradientTape() as tape:
                tape.watch(params)
                elbo = tf.reduce_sum(self._elbo(model, x, context, params, self.num_samples + number))
            gradient = tape.gradient(elbo, params)
            mean = _DECAY * mean + (1.0 - _DECAY) * gradient
            square = _SQUARE_DECAY * square + (1.0 - _SQUARE_DECAY) * gradient**2
            power = tf.cast(number + 1, tf.float32)
            unbiased, scale = mean / (1.0 - _DECAY**power), tf.sqrt(square / (1.0 - _SQUARE_DECAY**power))
            rate = self.learning_rate * (1.0 - tf.cast(number, tf.float32) / self.steps)
            return number + 1, params + rate * unbiased / (scale + _EPSILON), mean, square

        begin = (0, params, tf.zeros_like(params), tf.zeros_like(params))
        return tf.while_loop(lambda number, *_: number < self.steps, step, begin)[1]

    @staticmethod
    def _elbo(model, x, context, params, seed):
        # Row 0 for all: the noise of an example does not depend on the others in its batch.
        num = x.shape[0]
        z = model.posterior_layer.draw(params, tf.fill([num], seed), tf.zeros([num], tf.int32))
        return terms_at(model, x, context, params, z)["elbo"]
