import copy
import os
from typing import Any

import keras
import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from keras_ae.autoencoder import Autoencoder
from keras_ae.io.paths import check_file
from keras_ae.outliers import decisions
from keras_ae.outliers.archive import read_archive, write_archive
from keras_ae.outliers.default_model import Scaling, choose_model, default_epochs
from keras_ae.outliers.density import Density
from keras_ae.outliers.evidence import Evidence
from keras_ae.outliers.example_statistics import outlier_statistics_function
from keras_ae.outliers.references import as_arrays, fit_references, from_arrays
from keras_ae.outliers.scores import SCORES, Score
from keras_ae.registry import did_you_mean, provided
from keras_ae.validation.arguments import check_size

_ENOUGH = 200  # examples to fit the score; where fewer are held out for it, the training examples help
_FEWEST = 8  # examples to fit: a few each to train, to learn what is usual, and to calibrate


class OutlierDetector(OutlierMixin, BaseEstimator):
    """Finds outliers with an autoencoder: scikit-learn's conventions, calibrated p-values.

    Without a model it trains a VAE that suits the data: see `keras_ae.outliers.choose_model`. A share of the examples
    is held out. One half of it fits the score, with the training examples where it has fewer than 200; the other half
    calibrates the p-values.

    Args:
        model: a trained `Autoencoder`, or `None` to train one. With a model, all examples that `fit` gets are held out:
            give examples that the model was not trained on.
        scoring: a name in `keras_ae.outliers.SCORES`, or a `Score`.
        contamination: share of the examples of `fit` that `predict` marks as outliers, in (0, 0.5].
        condition: the conditions of the examples of `fit`, for a conditional model: "unusual for a 7". Later
            examples have their conditions as the argument `condition` of each method.
        window: number of rows of a window, for one long sequence [rows, columns] in place of examples. `fit` cuts it
            into windows without overlap. A row has the score of its window; the last window ends with the last row.
            Windows that were cut before, [N, window, columns], can also be given, and have one score each.
        held_out: share of the examples that is held out where a model is trained.
        epochs: epochs of that training; by default at least 3,000 steps, and 40 epochs.
        batch_size: examples per step of that training.
        random_state: integer seed, `numpy.random.RandomState` or `None`, as in scikit-learn.
        verbose: as in `keras.Model.fit`.

    Attributes:
        model_: the model. scaling_: the scaling of the data for it.
        references_: {name: function}: statistics of the score that compare an example with usual ones. They are the
            density of its code and the texture of an image, or for examples of at most 100 values their density and
            the distances to their nearest neighbors.
        score_: the fitted `Score`.
        offset_: the threshold: `decision_function(X) = score_samples(X) - offset_`.
        calibration_: scores of held-out examples, ascending, from which p-values are computed.
        n_features_in_: number of columns. feature_names_in_: their names, for a data frame.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=[200, 4])
        >>> detector = OutlierDetector(contamination=0.05, epochs=2, random_state=0).fit(x)
        >>> int((detector.predict(x) == -1).sum())
        10
        >>> detector.p_values(x[:3]).shape
        (3,)

    References:
        See `SCORES` for the scores, and `conformal_p_values` for the decisions.

    See also:
        `keras_ae.outliers.load`, and `keras_ae.export`, whose functions take a fitted detector.
    """

    def __init__(
        self,
        model: keras.Model | None = None,
        *,
        scoring: str | Score = "auto",
        contamination: float = 0.01,
        condition: Any = None,
        window: int | None = None,
        held_out: float = 0.2,
        epochs: int | None = None,
        batch_size: int = 128,
        random_state: Any = None,
        verbose: int = 0,
    ):
        self.model = model
        self.scoring = scoring
        self.contamination = contamination
        self.condition = condition
        self.window = window
        self.held_out = held_out
        self.epochs = epochs
        self.batch_size = batch_size
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> "OutlierDetector":
        """Learns what is usual.

        Args:
            X: examples [N, D] or [N, *event], or a data frame; mostly usual ones. At least eight. With `window`, the
                rows of a sequence [T, D], at least eight windows.
            y: ignored, as in scikit-learn.

        Returns:
            The detector.

        Raises:
            ValueError: for too few examples, NaN or infinity, and for wrong arguments.
        """
        self._check_arguments()
        x = self._checked(X, reset=True)
        rng = check_random_state(self.random_state)
        seed = int(rng.randint(2**31 - 1))
        order = rng.permutation(len(x))
        if self.model is None:
            num = max(4, min(round(self.held_out * len(x)), len(x) - 4))
            held, rest = order[:num], np.sort(order[num:])
            self.model_, self.scaling_ = self._trained(x[rest], seed)
        else:
            held, rest, self.model_, self.scaling_ = order, order[:0], self.model, Scaling()
        reference, calibration_rows = np.sort(held[: len(held) // 2]), np.sort(held[len(held) // 2 :])
        if len(reference) < _ENOUGH:
            reference = np.sort(np.concatenate([reference, rest]))
        known = rest if len(rest) else reference
        usual = self.scaling_(x[known]), _rows(self.condition, known)
        self.references_ = fit_references(self.model_, *usual, seed)
        self.score_ = SCORES[self.scoring]() if isinstance(self.scoring, str) else copy.deepcopy(self.scoring)
        self._compile()
        usual = self._evidence(x[reference], _rows(self.condition, reference))
        self.score_.fit(usual)
        extremes = np.array([usual.x.min(), usual.x.max()])
        self._reference = {**usual.statistics, "codes": usual.codes, "x": extremes}  # to fit the score again
        scores = self.score_(self._evidence(x, self.condition))
        self.calibration_ = np.sort(scores[calibration_rows])
        self.offset_ = float(np.percentile(-scores, 100.0 * self.contamination))
        return self

    def calibrate(self, X: Any, condition: Any = None) -> "OutlierDetector":
        """Computes p-values from other usual examples from now on, and returns the detector.

        `fit` keeps some of its examples for it. Use this where `fit` got examples that the model was
        trained on, or where what is usual has changed since.

        Args:
            X: usual examples that neither the model nor `fit` has seen.
            condition: their conditions, for a conditional model.
        """
        self.calibration_ = np.sort(self._scores(X, condition))
        return self

    def score_samples(self, X: Any, condition: Any = None) -> np.ndarray:
        """Returns the negative score of each example, float64 [N]: lower is more anomalous, as in scikit-learn."""
        return self._by_row(-self._scores(X, condition), X)

    def decision_function(self, X: Any, condition: Any = None) -> np.ndarray:
        """Returns `score_samples(X) - offset_`: negative for outliers."""
        return self.score_samples(X, condition) - self.offset_

    def predict(self, X: Any, condition: Any = None) -> np.ndarray:
        """Returns -1 for outliers and 1 for others, int64 [N]."""
        return np.where(self.decision_function(X, condition) < 0, -1, 1)

    def p_values(self, X: Any, condition: Any = None) -> np.ndarray:
        """Returns the conformal p-value of each example, in (0, 1]: see `conformal_p_values`."""
        return decisions.conformal_p_values(-self.score_samples(X, condition), self.calibration_)

    def flag(self, X: Any, condition: Any = None, *, false_alarms: float = 0.01) -> np.ndarray:
        """Returns which examples are outliers at a rate of false alarms, bool [N]: p-value <= rate.

        Args:
            X: examples, as in `fit`.
            condition: their conditions, for a conditional model.
            false_alarms: largest probability that a usual example is flagged, in (0, 1).

        Raises:
            ValueError: if there are too few held-out examples for this rate: they must be at least 1 / rate - 1.
        """
        return -self.score_samples(X, condition) > self.threshold(false_alarms)

    def threshold(self, false_alarms: float = 0.01) -> float:
        """Returns the score, `-score_samples`, above which `flag` marks an example as an outlier."""
        check_is_fitted(self)
        return decisions.threshold(self.calibration_, false_alarms)

    def discoveries(self, X: Any, condition: Any = None, *, rate: float = 0.1) -> np.ndarray:
        """Returns which examples of a batch to report at a false discovery rate, bool [N]: see `discoveries`."""
        p_values = decisions.conformal_p_values(self._scores(X, condition), self.calibration_)
        return self._by_row(decisions.discoveries(p_values, rate), X)

    def drift(self, X: Any, condition: Any = None) -> decisions.Drift:
        """Tests whether a batch as a whole is still usual: see `keras_ae.outliers.drift`."""
        return decisions.drift(self._scores(X, condition), self.calibration_)

    def save(self, path: str | os.PathLike) -> None:
        """Writes the fitted detector to one file, without pickle: `keras_ae.outliers.load` reads it.

        The file has the model, and what the score and the calibration need. `condition` and a `random_state` that is
        not a number are not stored; only `fit` uses them.

        Args:
            path: a path that ends in `.zip`. An older file is replaced.

        Raises:
            ValueError: if the detector is not fitted, or `scoring` is not a name.
        """
        path = check_file(path, ".zip")
        facts, arrays = contents(self)
        write_archive(path, self.model_, facts, arrays)

    def save_to_preset(
        self,
        preset_dir: str | os.PathLike,
        X: Any = None,
        condition: Any = None,
        *,
        float16: bool = False,
        license: str | None = None,
    ) -> None:
        """Writes the fitted detector as a preset, for `kae.from_preset(preset_dir)`.

        Args:
            preset_dir: the folder to write; an older preset in it is replaced.
            X: usual examples, of which the first 64 are stored to verify the scores; by default, examples that the
                model decodes.
            condition: their conditions, for a conditional model.
            float16: whether to store the weights in half the size. They are rounded to about 3 digits.
            license: license of the weights, for the card.

        Raises:
            FileExistsError: if the folder holds anything but a preset.
            ValueError: if the detector is not fitted, or `scoring` is not the name of a score that exports can contain.
        """
        provided("save_to_preset")(self, preset_dir, X, condition, float16=float16, license=license)

    def __getstate__(self):
        state = dict(super().__getstate__())
        state.pop("_statistics", None)  # compiled: made again
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        if hasattr(self, "model_"):
            self._compile()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def _check_arguments(self):
        if self.model is not None and not (isinstance(self.model, Autoencoder) and self.model.built):
            raise ValueError(f"`model` must be a trained Autoencoder. Received: {type(self.model).__name__}")
        if isinstance(self.scoring, str) and self.scoring not in SCORES:
            hint = did_you_mean(self.scoring, SCORES)
            raise ValueError(f"`scoring` must be one of {', '.join(SCORES)}. Received: {self.scoring!r}.{hint}")
        if not isinstance(self.scoring, (str, Score)):
            raise ValueError(f"`scoring` must be a name or a Score. Received: {type(self.scoring).__name__}")
        if not 0 < self.contamination <= 0.5:
            raise ValueError(f"`contamination` must be in (0, 0.5]. Received: {self.contamination}")
        decisions.check_rate("held_out", self.held_out)
        if self.window is not None:
            check_size("window", self.window)
            if self.condition is not None:
                raise ValueError(f"`condition` must be None with a window. Received: {type(self.condition).__name__}")

    def _trained(self, x, seed):
        """Returns a model of examples, and how to scale examples for it."""
        model, scaling = choose_model(x, seed)
        model.compile(optimizer=keras.optimizers.Adam(1e-3))
        epochs = self.epochs or default_epochs(len(x), self.batch_size)
        model.fit(scaling(x), batch_size=self.batch_size, epochs=epochs, verbose=self.verbose)
        return model, scaling

    def _scores(self, X, condition):
        """Returns the score of each example, or window."""
        check_is_fitted(self)
        with np.errstate(invalid="ignore", over="ignore"):
            scores = self.score_(self._evidence(self._checked(X), condition))
        return np.where(np.isnan(scores), np.inf, scores)  # of values so large that float32 overflows

    def _by_row(self, values, X):
        """Returns values of windows [N] as values of the rows of X [T], if it is one sequence."""
        if self.window is None or len(np.shape(X)) == 3:
            return values
        return np.repeat(values, self.window)[: len(X)]

    def _checked(self, X, reset=False):
        """Returns examples as a float32 array [N, *event], in the shape that `fit` saw."""
        fewest = _FEWEST if reset else 1
        if self.window is not None:
            fewest, shape = fewest * self.window, np.shape(X)
            if len(shape) not in (2, 3) or (len(shape) == 3 and shape[1] != self.window):
                raise ValueError(
                    f"`X` must be rows [T, columns] or windows [N, {self.window}, columns]. Received: {list(shape)}"
                )
            x = np.reshape(X, [-1, shape[-1]]) if len(shape) == 3 else X
        else:
            x = X
        x = validate_data(self, x, reset=reset, allow_nd=True, dtype="numeric", ensure_min_samples=fewest)
        wider, x = x.dtype != np.float32, np.asarray(x, np.float32)
        if self.window is not None:
            starts = np.arange(0, len(x) - self.window + 1, self.window)
            if not reset and len(x) % self.window:  # not in `fit`, whose windows do not overlap
                starts = np.append(starts, len(x) - self.window)
            x = x[starts[:, np.newaxis] + np.arange(self.window)]
        if wider and not np.isfinite(x).all():  # float32 has been checked
            raise ValueError("`X` must be finite in float32. Received: a value beyond 3.4e38")
        if reset:
            self._event_shape = x.shape[1:]
        if x.shape[1:] != self._event_shape:
            raise ValueError(
                f"`X` must have examples of shape {list(self._event_shape)}, as in `fit`. Received: {list(x.shape[1:])}"
            )
        return x

    def _compile(self):
        uses = self.score_.statistics(self.references_)
        names = None if uses is None else {*uses, "codes"}
        self._statistics = outlier_statistics_function(self.model_, self.references_, names)

    def _evidence(self, x, condition):
        return Evidence(self.model_, self.scaling_(x), condition, compute=self._statistics)


def load(path: str | os.PathLike, *, custom_objects: dict | None = None) -> OutlierDetector:
    """Reads a detector that `OutlierDetector.save` wrote. Untrusted files are safe: see `keras_ae.load`.

    Args:
        path: a path that ends in `.zip`.
        custom_objects: {name: class or function} of custom parts of the model.

    Returns:
        The fitted detector.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: for a damaged file, or one of another kind.

    Example:
        >>> import pathlib, tempfile
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=[200, 4])
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "detector.zip"
        >>> OutlierDetector(epochs=2, random_state=0).fit(x).save(path)
        >>> load(path).p_values(x[:3]).shape
        (3,)
    """
    path = check_file(path, ".zip")
    if not path.is_file():
        raise FileNotFoundError(f"There is no detector file {path}: write one with `detector.save(...)`.")
    try:
        return restored(*read_archive(path, custom_objects))
    except Exception as error:  # the class depends on the damage
        raise ValueError(f"{path} could not be read as a detector: {error}") from error


def contents(detector: OutlierDetector) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Returns what a fitted detector has beside its model: facts for JSON and arrays, from which `restored` makes it.

    Raises:
        ValueError: if the detector is not fitted, or `scoring` is not a name.
    """
    check_is_fitted(detector)
    if not isinstance(detector.scoring, str):
        raise ValueError(f"`scoring` must be a name to be saved. Received: {type(detector.scoring).__name__}")
    arguments = detector.get_params(deep=False)
    has_model, _ = arguments.pop("model") is not None, arguments.pop("condition")
    if not isinstance(detector.random_state, (int, np.integer)):
        arguments["random_state"] = None
    columns = list(getattr(detector, "feature_names_in_", ()))
    facts = {"arguments": arguments, "has_model": has_model, "offset": detector.offset_, "columns": columns}
    arrays = {"calibration": detector.calibration_, "loc": detector.scaling_.loc, "scale": detector.scaling_.scale}
    # The statistics were computed in float32, so nothing is lost.
    arrays |= {f"reference/{name}": np.float32(values) for name, values in detector._reference.items()}
    arrays |= {f"references/{key}": values for key, values in as_arrays(detector.references_).items()}
    for key, density in detector.score_.densities.items():
        arrays |= {f"density/{key}/{name}": values for name, values in density._asdict().items()}
    return facts, arrays


def restored(model: Autoencoder, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> OutlierDetector:
    """Returns the fitted detector of a model, and of untrusted `contents`; wrong ones raise some error."""
    detector = OutlierDetector(model if facts["has_model"] else None, **facts["arguments"])
    detector._check_arguments()
    detector.model_, detector.scaling_ = model, Scaling(arrays["loc"], arrays["scale"])
    shapes = {np.broadcast_shapes(model.event_shape, arrays[name].shape) for name in ("loc", "scale")}
    if shapes != {model.event_shape} or not arrays["calibration"].shape[0] or arrays["calibration"].ndim != 1:
        raise ValueError("its arrays do not fit its model.")
    detector._event_shape, detector.n_features_in_ = model.event_shape, model.event_shape[0]
    if detector.window is not None:
        detector.n_features_in_ = model.event_shape[-1]
    if facts["columns"]:
        detector.feature_names_in_ = np.array(facts["columns"], object)
    detector.offset_, detector.calibration_ = float(facts["offset"]), np.sort(arrays["calibration"])
    reference = {name: array.astype(np.float64) for name, array in _under("reference/", arrays).items()}
    keys = {name.split("/")[1] for name in arrays if name.startswith("density/")}
    densities = {key: Density(*(arrays[f"density/{key}/{field}"] for field in Density._fields)) for key in keys}
    detector.references_ = from_arrays(_under("references/", arrays))
    detector.score_, detector._reference = SCORES[detector.scoring](), dict(reference)
    usual = Evidence(model, reference.pop("x"), compute=lambda *_: reference)
    detector.score_.restore(usual, densities)
    detector._compile()
    return detector


def _under(folder, arrays):
    return {name.removeprefix(folder): array for name, array in arrays.items() if name.startswith(folder)}


def _rows(condition, rows):
    if isinstance(condition, dict):
        return {name: np.asarray(values)[rows] for name, values in condition.items()}
    return None if condition is None else np.asarray(condition)[rows]
