"""Scores from batches in which one factor is fixed: the FactorVAE and beta-VAE scores."""

from collections.abc import Callable, Mapping

import numpy as np

from keras_ae.evaluate.disentanglement.splitting import standardized
from keras_ae.evaluate.metric import NotApplicableError
from keras_ae.evaluate.metric_inputs import check_codes, check_factors
from keras_ae.evaluate.threads import threads_for
from keras_ae.random import check_seed
from keras_ae.validation.arguments import check_number, check_size

_CHUNK = 4096  # examples that are simulated at once


def factor_vae_score(
    codes,
    factors,
    *,
    simulate: Callable | None = None,
    batch_size: int = 64,
    num_train: int = 1000,
    num_eval: int = 1000,
    num_groups: int = 10,
    min_std: float = 0.05,
    seed: int = 0,
) -> float:
    """FactorVAE score: whether the code dimension that varies least tells which factor is fixed.

        d = argmin_j var(z_j in a batch with factor k fixed) / var(z_j in all examples)
        score = fraction of batches whose k is the most frequent one of their d among the training batches

    Args:
        codes: codes [N, D].
        factors: {name: values [N]} or [N, F], at least two; integers, strings and booleans are categories.
        simulate: function from factors {name: values [M]} to codes [M, D], for exact interventions, such as
            `lambda factors: model.encode(strokes.render(factors))`. It gets the factors of random examples, of which
            one is set to the value of one of them. Without it, a batch is drawn from the examples of one category, or
            of one of `num_groups` quantiles of a continuous factor.
        batch_size: examples per batch.
        num_train: number of training batches.
        num_eval: number of test batches.
        num_groups: number of groups of a continuous factor.
        min_std: dimensions with a smaller standard deviation, relative to the largest, are left out: 0.05 in
            disentanglement_lib.
        seed: integer seed of the batches.

    Returns:
        float in [0, 1]; 0 for constant codes. About 1 / F if no dimension follows a factor.

    Raises:
        ValueError: for other shapes, NaN or infinity, constant factors, a single factor, and a factor of which no value
            has two examples.

    Example:
        >>> z = np.random.default_rng(0).normal(size=[500, 2])
        >>> factor_vae_score(z, {"x": z[:, 0], "y": z[:, 1]}, num_train=50, num_eval=50)
        1.0

    References:
        Kim and Mnih 2018, arXiv:1802.05983, section 4.
    """
    settings = {"batch_size": batch_size, "num_train": num_train, "num_eval": num_eval, "num_groups": num_groups}
    hits = factor_vae_hits(codes, factors, simulate=simulate, min_std=min_std, seed=seed, **settings)
    return float(hits.mean())


def beta_vae_score(
    codes,
    factors,
    *,
    simulate: Callable | None = None,
    batch_size: int = 64,
    num_train: int = 1000,
    num_eval: int = 1000,
    num_groups: int = 10,
    seed: int = 0,
) -> float:
    """beta-VAE score: accuracy of a linear classifier that finds the factor that pairs of examples have in common.

        d = mean over a batch of pairs of |z - z'|, each pair with equal values of factor k
        score = accuracy of the logistic regression of k on d

    Args:
        codes, factors, simulate, batch_size, num_train, num_eval, num_groups, seed: as in `factor_vae_score`; a batch
            has `batch_size` pairs.

    Returns:
        float in [0, 1]; about 1 / F for constant codes.

    Raises:
        ValueError: for other shapes, NaN or infinity, constant factors, a single factor, and a factor of which no value
            has two examples.

    Example:
        >>> z = np.random.default_rng(0).normal(size=[500, 2])
        >>> beta_vae_score(z, {"x": z[:, 0], "y": z[:, 1]}, num_train=50, num_eval=50)
        1.0

    References:
        Higgins et al. 2017, "beta-VAE: learning basic visual concepts with a constrained variational framework",
        section 3.
    """
    settings = {"batch_size": batch_size, "num_train": num_train, "num_eval": num_eval, "num_groups": num_groups}
    return float(beta_vae_hits(codes, factors, simulate=simulate, seed=seed, **settings).mean())


def factor_vae_hits(codes, factors, *, simulate, batch_size, num_train, num_eval, num_groups, min_std, seed):
    """Returns whether the factor of each test batch was found, bool [num_eval]. See `factor_vae_score`."""
    batches = _Batches(codes, factors, simulate, batch_size, num_groups, seed)
    num = check_size("num_train", num_train) + check_size("num_eval", num_eval)
    scale = batches.codes.std(axis=0)
    active = (scale > 0) & (scale >= check_number("min_std", min_std, low=0.0) * scale.max())
    active &= np.ptp(batches.codes, axis=0) > 0
    if not active.any():
        return np.zeros(num_eval, bool)
    fixed = batches.rng.integers(batches.num_factors, size=num)
    least = np.array([
        np.argmin((z[:, active] / scale[active]).var(axis=0)) for z in batches.draw(fixed, same_value=True)
    ])  # fmt: skip
    votes = np.zeros((active.sum(), batches.num_factors))
    np.add.at(votes, (least[:num_train], fixed[:num_train]), 1)
    return votes.argmax(axis=1)[least[num_train:]] == fixed[num_train:]


def beta_vae_hits(codes, factors, *, simulate, batch_size, num_train, num_eval, num_groups, seed):
    """Returns whether the factor of each test batch was found, bool [num_eval]. See `beta_vae_score`."""
    from sklearn.linear_model import LogisticRegression  # slow to import

    batches = _Batches(codes, factors, simulate, 2 * check_size("batch_size", batch_size), num_groups, seed)
    num = check_size("num_train", num_train, low=2) + check_size("num_eval", num_eval)
    fixed = batches.rng.integers(batches.num_factors, size=num)
    fixed[:2] = 0, 1  # the classifier needs two factors
    pairs = np.stack([np.abs(z[::2] - z[1::2]).mean(axis=0) for z in batches.draw(fixed, same_value=False)])
    pairs = standardized(pairs)
    with threads_for(pairs.size):
        model = LogisticRegression(max_iter=1000).fit(pairs[:num_train], fixed[:num_train])
    return model.predict(pairs[num_train:]) == fixed[num_train:]


class _Batches:
    """Batches of codes in which one factor is fixed, from groups of examples or by simulation."""

    def __init__(self, codes, factors, simulate, batch_size, num_groups, seed):
        self.codes = check_codes(codes)
        found = check_factors(factors, len(self.codes))
        self.num_factors = len(found)
        if self.num_factors < 2:
            raise ValueError("`factors` must be at least two. Received: one")
        self.batch_size = check_size("batch_size", batch_size, low=2)
        self.rng = np.random.default_rng(check_seed(seed))
        self.simulate = simulate
        if simulate is not None:
            if not isinstance(factors, Mapping):
                raise ValueError(f"`factors` must be a dictionary for `simulate`. Received: {type(factors).__name__}")
            self.values = {name: np.asarray(values) for name, values in factors.items()}
            return
        self.groups = [_groups(each, check_size("num_groups", num_groups, low=2)) for each in found]

    def draw(self, fixed, same_value):
        """Yields codes [batch_size, D] for each number of a factor in `fixed`.

        If not `same_value`, each pair of rows (2 i, 2 i + 1) has its own value.
        """
        if self.simulate is None:
            for factor in fixed:
                yield self.codes[self._rows(self.groups[factor], same_value)]
            return
        per_chunk = max(_CHUNK // self.batch_size, 1)
        for start in range(0, len(fixed), per_chunk):
            part = fixed[start : start + per_chunk]
            codes = check_codes(self.simulate(self._intervened(part, same_value)), "simulate(factors)")
            yield from codes.reshape(len(part), self.batch_size, -1)

    def _rows(self, groups, same_value):
        """Draws rows that share a group, or pairs of rows that do; a group is as likely as it has examples."""
        sizes = np.array([len(each) for each in groups])
        num = 1 if same_value else self.batch_size // 2
        chosen = self.rng.choice(len(groups), size=num, p=sizes / sizes.sum())
        if same_value:
            group = groups[chosen[0]]
            return self.rng.choice(group, self.batch_size, replace=len(group) < self.batch_size)
        firsts = self.rng.integers(sizes[chosen])
        seconds = (firsts + self.rng.integers(1, sizes[chosen])) % sizes[chosen]  # another example
        pairs = [(groups[g][a], groups[g][b]) for g, a, b in zip(chosen, firsts, seconds, strict=True)]
        return np.array(pairs).reshape(-1)

    def _intervened(self, fixed, same_value):
        """Returns factors {name: values [len(fixed) * batch_size]} in which the factor of each batch is fixed."""
        rows = self.rng.integers(len(self.codes), size=(len(fixed), self.batch_size))
        source = np.broadcast_to(rows[:, :1], rows.shape) if same_value else np.repeat(rows[:, ::2], 2, axis=1)
        factors = {}
        for number, (name, values) in enumerate(self.values.items()):
            chosen = np.where((fixed == number)[:, np.newaxis], source, rows)
            factors[name] = values[chosen.reshape(-1)]
        return factors


def _groups(factor, num_groups):
    """Returns the rows of each group of equal or binned values that has at least two examples."""
    classes = factor.classes(num_groups)
    order = np.argsort(classes, kind="stable")
    groups = [each for each in np.split(order, np.flatnonzero(np.diff(classes[order])) + 1) if len(each) > 1]
    if not groups:
        raise NotApplicableError(
            f"`factors[{factor.name!r}]` must have a value of at least two examples. Received: all differ"
        )
    return groups
