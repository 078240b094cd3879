"""Outlier scores: one number per example, higher for more anomalous ones, in their papers' terms.

A score is fitted to held-out usual examples, without any outlier, and then scores others.
"""

import gzip
import io

import keras
import numpy as np

from keras_ae.evaluate import log_likelihood
from keras_ae.evaluate.score import score as terms_of
from keras_ae.outliers.hierarchical_ratio import HierarchicalRatio
from keras_ae.outliers.joint import JointDensity
from keras_ae.outliers.likelihood_regret import LikelihoodRegret
from keras_ae.outliers.neighbors import usual_distances
from keras_ae.outliers.outlier_score import Score, StatisticScore
from keras_ae.outliers.tails import Tail
from keras_ae.validation.arguments import check_choice


class Reconstruction(StatisticScore):
    """-log p(x|z), z ~ q(z|x), in nats.

    References:
        An and Cho 2015, "Variational autoencoder based anomaly detection using reconstruction probability".
    """

    uses = ("reconstruction",)

    def __call__(self, evidence):
        return evidence.statistic("reconstruction")


class NegativeELBO(StatisticScore):
    """kl + reconstruction, in nats: an upper bound of -log p(x).

    A simple image can be likelier under a model than the images it was trained on: see `Deviance`.

    References:
        Nalisnick et al. 2019, arXiv:1810.09136, for the failure.
    """

    uses = ("elbo",)

    def __call__(self, evidence):
        return -evidence.statistic("elbo")


class NegativeLogLikelihood(Score):
    """-log p(x) in nats, by importance sampling.

    Args:
        num_samples: importance samples per example.
    """

    def __init__(self, num_samples=100):
        self.num_samples = num_samples

    def __call__(self, evidence):
        return -log_likelihood(evidence.model, evidence.x, evidence.condition, num_samples=self.num_samples)


class Deviance(StatisticScore):
    """How far -log p(x|z), at the mean of q(z|x), is above its least value over all parameters, in nats.

        deviance = sum_i max_loc log p(x_i|loc) - log p(x_i|z)

    It takes out the entropy of the example, which makes gray or complex examples unlikely wherever they come from.

    References:
        Nelder and Wedderburn 1972, "Generalized linear models", for the deviance.
    """

    uses = ("deviance",)

    def __call__(self, evidence):
        return evidence.statistic("deviance")


class Typicality(StatisticScore):
    """|-elbo - E[-elbo]|: examples are unusual if they are much less likely than usual ones, or much more.

    References:
        Nalisnick et al. 2019, arXiv:1906.02994, section 3, for batches of one example.
    """

    uses = ("elbo",)

    def fit(self, usual):
        self._mean = float(usual.statistic("elbo").mean())
        return self

    def __call__(self, evidence):
        return abs(evidence.statistic("elbo") - self._mean)


class InputComplexity(Score):
    """-elbo minus the length of the compressed example, both in nats.

    Values are rounded to 8 bits on the range of the usual examples. Images of one or three channels are compressed as
    PNG or JPEG, others by gzip.

    Args:
        image_format: "png", without loss, or "jpeg", with quality 95: it counts less of the noise.

    References:
        Serra et al. 2020, arXiv:1909.11480, equation 1.
    """

    def __init__(self, image_format: str = "png"):
        self.image_format = check_choice("image_format", image_format, tuple(_IMAGE_OPTIONS))

    def fit(self, usual):
        self._low, self._high = float(usual.x.min()), float(usual.x.max())
        return self

    def __call__(self, evidence):
        spread = self._high - self._low
        levels = np.round(255.0 * (evidence.x - self._low) / (spread if spread > 0 else 1.0))
        levels = np.clip(levels, 0, 255).astype(np.uint8)
        length = np.array([_compressed_bytes(each, self.image_format) for each in levels])
        return -evidence.statistic("elbo") - 8.0 * np.log(2.0) * length


class LikelihoodRatio(Score):
    """-elbo minus the -elbo of a background model, which learned what all such data has in common.

    Args:
        background: a built model, trained on broader or perturbed data.

    References:
        Ren et al. 2019, arXiv:1906.02845, equation 3.
    """

    def __init__(self, background: keras.Model):
        self.background = background

    def __call__(self, evidence):
        return terms_of(self.background, evidence.x)["elbo"].astype(np.float64) - evidence.statistic("elbo")


class Mahalanobis(Score):
    """Mahalanobis distance of all statistics of an example from their mean over usual examples.

        score = (s - m)' C^-1 (s - m)

    with the covariance of Ledoit and Wolf.

    References:
        Ledoit and Wolf 2004, "A well-conditioned estimator for large-dimensional covariance matrices".
    """

    def fit(self, usual):
        from sklearn.covariance import LedoitWolf  # slow to import

        values = _matrix(usual.statistics)
        self._names, self._loc = list(usual.statistics), values.mean(axis=0)
        scale = values.std(axis=0)
        self._scale = np.where(scale > 0, scale, 1.0)
        self._covariance = LedoitWolf(assume_centered=True).fit((values - self._loc) / self._scale)
        return self

    def __call__(self, evidence):
        values = _matrix({name: evidence.statistic(name) for name in self._names})
        return self._covariance.mahalanobis((values - self._loc) / self._scale)


class DensityOfStates(Score):
    """-sum_j log p_j(s_j), with a kernel density estimate of each statistic over usual examples ("DoSE").

    References:
        Morningstar et al. 2021, arXiv:2006.09273, section 3.1.
    """

    def fit(self, usual):
        from scipy.stats import gaussian_kde  # slow to import

        self._estimates = {}
        for name, values in usual.statistics.items():
            if values.std() > 0:
                self._estimates[name] = gaussian_kde(values[:_MOST_KERNELS])
        return self

    def __call__(self, evidence):
        # Far from all kernels the estimate is 0: the floor keeps the order finite.
        return -sum(
            np.log(np.maximum(estimate(evidence.statistic(name)), 1e-300)) for name, estimate in self._estimates.items()
        )


class LikelihoodPath(Score):
    """Tail probabilities of the terms of the likelihood (KL, reconstruction and their parts), combined as in ECOD.

        score = max(sum_j -log P(S_j <= s_j), sum_j -log P(S_j >= s_j), sum_j -log P(tail on the skewed side))

    References:
        Li et al. 2022, arXiv:2201.00382, equations 5 to 7, for ECOD.
    """

    def fit(self, usual):
        from scipy.stats import skew  # slow to import

        self._sorted = {name: np.sort(values) for name, values in usual.statistics.items()}
        self._skew = {name: float(np.nan_to_num(skew(values))) for name, values in self._sorted.items()}
        return self

    def __call__(self, evidence):
        left, right, skewed = 0.0, 0.0, 0.0
        for name, known in self._sorted.items():
            values, num = evidence.statistic(name), len(known) + 1
            low = -np.log((1 + np.searchsorted(known, values, side="right")) / num)
            high = -np.log((1 + len(known) - np.searchsorted(known, values, side="left")) / num)
            left, right = left + low, right + high
            skewed = skewed + (low if self._skew[name] < 0 else high)
        return np.maximum(np.maximum(left, right), skewed)


class CodeMahalanobis(Score):
    """Squared Mahalanobis distance of the code from the mean code of usual examples.

        score = (z - m)' C^-1 (z - m)

    with the covariance of Ledoit and Wolf. It does not find what the encoder puts near the mean code.

    References:
        Denouden et al. 2018, arXiv:1812.02765, "Improving reconstruction autoencoder out-of-distribution detection with
        Mahalanobis distance".
    """

    def fit(self, usual):
        from sklearn.covariance import LedoitWolf  # slow to import

        codes = usual.codes.astype(np.float64)  # codes far from the origin keep their digits
        self._loc, scale = codes.mean(axis=0), codes.std(axis=0)
        self._scale = np.where(np.ptp(codes, axis=0) > 0, scale, 1.0)
        self._covariance = LedoitWolf(assume_centered=True).fit((codes - self._loc) / self._scale)
        return self

    def __call__(self, evidence):
        return self._covariance.mahalanobis((evidence.codes.astype(np.float64) - self._loc) / self._scale)


class CodeDensity(Score):
    """-log density of the code under a Gaussian mixture, fitted to the codes of usual examples.

    Args:
        components: number of components, at most a tenth of the usual examples.
        seed: integer seed of the fit.
    """

    def __init__(self, components=10, seed=0):
        self.components, self.seed = components, seed

    def fit(self, usual):
        from sklearn.mixture import GaussianMixture  # slow to import

        num = max(1, min(self.components, len(usual.codes) // 10))
        self._mixture = GaussianMixture(num, reg_covar=1e-4, random_state=self.seed)
        self._mixture.fit(usual.codes.astype(np.float64))  # codes far from the origin keep their digits
        return self

    def __call__(self, evidence):
        return -self._mixture.score_samples(evidence.codes.astype(np.float64))


class CodeNeighbors(Score):
    """Mean distance of the code to its k nearest codes of usual examples, in standard deviations of each dimension.

    Args:
        k: number of neighbors.

    References:
        Ramaswamy, Rastogi and Shim 2000, "Efficient algorithms for mining outliers from large data sets".
    """

    def __init__(self, k=5):
        self.k = k

    def fit(self, usual):
        from sklearn.neighbors import NearestNeighbors  # slow to import

        scale = usual.codes.std(axis=0, dtype=np.float64)  # float64: codes far from the origin keep their digits
        self._scale = np.where(np.ptp(usual.codes, axis=0) > 0, scale, 1.0)
        self._neighbors = NearestNeighbors(n_neighbors=min(self.k, len(usual.codes))).fit(usual.codes / self._scale)
        return self

    def __call__(self, evidence):
        return self._neighbors.kneighbors(evidence.codes / self._scale)[0].mean(axis=1)


class Auto(StatisticScore):
    """Combines complementary statistics by their tail probabilities among usual examples; needs no outlier to tune.

        score = sum_j -w_j log P(S_j >= s_j)

    For examples of more than 100 values, the statistics are deviance, also relative to what is usual for the code,
    squared error, largest error, the density of the code, because the prior says little of which codes are usual, and
    the texture of an image. The weights w_j are 1, and 2 for the density of the code and the joint density below,
    because four statistics are about the reconstruction. For likelihoods without a deviance, the statistics are the
    reconstruction instead, and the shift of the code when the reconstruction is encoded again, and all weights are 1.
    For other examples, they are the density of the example and its distances to usual examples, in standard deviations
    and in whitened coordinates; usual examples that are far from all others are left out of the fit, because they may
    be outliers.

    The last statistic is the joint density of all of these but the relative deviance, the KL, the entropy, and the
    first two moments of the example. It finds what is suspiciously likely, such as a blank image, and what is too
    smooth: see `JointDensity`. Beyond the usual examples, tails are exponential: see `Tail`.

    References:
        Fisher 1925, "Statistical methods for research workers", section 21.1, for the sum.
    """

    _narrow = ("density", "neighbors", "whitened_neighbors")  # tails of examples of at most 100 values, and of others:
    _wide = (
        *("deviance", "reconstruction_at_mean", "squared_error", "largest_error"),
        *("code_shift", "density", "texture", "relative_deviance"),
    )
    uses = (*_wide, *_narrow[1:], "kl", "entropy", "mean", "mean_square")

    def statistics(self, references):
        left_out = "code_shift" if "expected_deviance" in references else "relative_deviance"
        return tuple(name for name in self.uses if name != left_out)

    def fit(self, usual):
        return self.restore(usual, {})

    def restore(self, usual, densities):
        if "neighbors" in usual.statistics:
            usual = usual.rows(usual_distances(usual.statistic("neighbors")))
        names = [name for name in self.uses if name in usual.statistics]
        for better, other in (("deviance", "reconstruction_at_mean"), ("relative_deviance", "code_shift")):
            if better in names and other in names:
                names.remove(other)
        joint = [name for name in names if name != "relative_deviance"]
        self._joint = JointDensity(usual, joint, densities.get("joint"))
        self.densities = {"joint": self._joint.density}
        alone = self._narrow if "neighbors" in names else self._wide
        self._tails = {name: Tail(usual.statistic(name)) for name in names if name in alone}
        self._joint_tail = Tail(self._joint(usual))
        return self

    def __call__(self, evidence):
        twice = 2.0 if "relative_deviance" in self._tails else 1.0
        weights = {name: twice if name == "density" else 1.0 for name in self._tails}
        alone = sum(weights[name] * tail(evidence.statistic(name)) for name, tail in self._tails.items())
        return alone + twice * self._joint_tail(self._joint(evidence))


SCORES = {
    "auto": Auto,
    "reconstruction": Reconstruction,
    "elbo": NegativeELBO,
    "log_likelihood": NegativeLogLikelihood,
    "deviance": Deviance,
    "typicality": Typicality,
    "input_complexity": InputComplexity,
    "mahalanobis": Mahalanobis,
    "density_of_states": DensityOfStates,
    "likelihood_path": LikelihoodPath,
    "code_mahalanobis": CodeMahalanobis,
    "code_density": CodeDensity,
    "code_neighbors": CodeNeighbors,
    "likelihood_regret": LikelihoodRegret,
    "hierarchical_ratio": HierarchicalRatio,
}
_MOST_KERNELS = 2000


def _matrix(statistics):
    return np.stack(list(statistics.values()), axis=1)


_IMAGE_OPTIONS = {"png": {"optimize": True}, "jpeg": {"quality": 95}}


def _compressed_bytes(levels, image_format):
    if levels.ndim == 3 and levels.shape[-1] in (1, 3):
        from PIL import Image

        buffer = io.BytesIO()
        image = Image.fromarray(levels[..., 0] if levels.shape[-1] == 1 else levels)
        image.save(buffer, image_format, **_IMAGE_OPTIONS[image_format])
        return buffer.tell()
    return len(gzip.compress(levels.tobytes(), mtime=0))
