import numpy as np
import pytest
import tensorflow as tf

import keras_ae as kae
from keras_ae.conditions import Mixed


@pytest.fixture
def mixed():
    condition = Mixed({"digit": kae.Categorical(10), "slant": kae.Continuous(), "pen": kae.Continuous(2)})
    condition.build(None)
    return condition


def test_categorical_features_are_standardised_one_hot():
    features = kae.Categorical(4)(np.arange(4)).numpy()
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(features.std(axis=0), 1, rtol=1e-6)
    assert (features.argmax(axis=1) == np.arange(4)).all()
    np.testing.assert_array_equal(kae.Categorical(1)(np.zeros(2, int)), [[0], [0]])


def test_unknown_label_inside_a_graph_gives_nan_and_not_another_picture():
    features = kae.Categorical(3)(tf.constant([1, 3, -1])).numpy()
    assert np.isfinite(features[0]).all() and np.isnan(features[1:]).all()


def test_guard_fails_inside_a_graph_with_a_sentence():
    condition = kae.Categorical(3)
    check = tf.function(lambda labels: condition.guard(labels))
    np.testing.assert_array_equal(check(tf.constant([0, 2])), [0, 2])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"labels in \[0, 3\)"):
        check(tf.constant([0, 3]))


@pytest.mark.parametrize(
    "values, message",
    [
        ([0, 10], r"labels in \[0, 10\)\. Received: 10 at row 1"),
        ([-1, 0], r"Received: -1 at row 0"),
        ([0.5, 1], "integer labels"),
        ([np.nan, 1], "NaN"),
        ([[1, 2]], "one row per example"),
        (["a", "b"], "integer labels"),
        ([1, 2, 3], "one row for each of the 2 examples. Received: 3"),
    ],
)
def test_categorical_refuses(values, message):
    with pytest.raises(ValueError, match=message):
        kae.Categorical(10).check(values, 2)


@pytest.mark.parametrize(
    "values, message",
    [
        ([np.nan, 0], "must be finite. Received: nan at row 0"),
        ([0, np.inf], "row 1"),
        ([0, 1e39], r"within 3\.4e38, the range of float32\. Received: 1e\+39 at row 1"),
        (-1e39, r"within 3\.4e38, the range of float32\. Received: -1e\+39 at row 0"),
        (["x", "y"], "must hold numbers"),
        ([[1, 2], [3, 4]], "one row per example"),
    ],
)
def test_continuous_refuses(values, message):
    with pytest.raises(ValueError, match=message):
        kae.Continuous().check(values, 2)


def test_continuous_refuses_the_wrong_number_of_numbers():
    with pytest.raises(ValueError, match="must have 3 numbers per row"):
        kae.Continuous(3).check([[1, 2], [3, 4]], 2)


def test_single_value_is_repeated():
    np.testing.assert_array_equal(kae.Categorical(10).check(7, 3), [7, 7, 7])
    np.testing.assert_array_equal(kae.Continuous(2).check([1, 2], 2), [[1, 2], [1, 2]])


@pytest.mark.parametrize("num", [3, 10, 1000])
@pytest.mark.parametrize("value", [0.1, 0.3, 1e9 + 0.1])
def test_a_constant_property_is_taken_and_tells_nothing(num, value):
    condition = kae.Continuous()
    condition.build(None)
    checked = condition.check(np.full(num, value))
    condition.adapt(checked)
    np.testing.assert_array_equal(condition.scale, [1.0])
    np.testing.assert_allclose(condition(checked), np.zeros((num, 1)), atol=1e-7 * value)


def test_continuous_learns_its_scale_once():
    condition = kae.Continuous()
    condition.build(None)
    values = np.array([10.0, 20.0, 30.0], "float32")
    condition.adapt(values)
    condition.adapt(values * 100)
    np.testing.assert_allclose(condition(values)[:, 0], (values - 20) / values.std(), rtol=1e-6)


def test_mixed_joins_its_properties_in_order(mixed):
    values = {"digit": [3, 1], "slant": [0.5, -2.0], "pen": [[1, 2], [3, 4]]}
    features = mixed(mixed.check(values, 2)).numpy()
    assert features.shape == (2, 13) == (2, mixed.size)
    np.testing.assert_array_equal(features[:, 10:], [[0.5, 1, 2], [-2, 3, 4]])


def test_mixed_takes_an_array_with_a_column_a_property():
    condition = Mixed({"digit": kae.Categorical(10), "slant": kae.Continuous()})
    checked = condition.check(np.array([[3, 0.5], [1, -2.0]]), 2)
    np.testing.assert_array_equal(checked["digit"], [3, 1])
    np.testing.assert_array_equal(checked["slant"], np.float32([0.5, -2.0]))


@pytest.mark.parametrize(
    "values, message",
    [
        ({"digit": [1]}, r"missing \['pen', 'slant'\], unknown \[\]"),
        ({"digit": [1], "slant": [0], "pen": [[0, 0]], "color": [1]}, r"unknown \['color'\]"),
        ({"digit": [11], "slant": [0], "pen": [[0, 0]]}, r"`condition\['digit'\]` must hold labels"),
        ({"digit": [1, 2], "slant": [0], "pen": [[0, 0]]}, r"one row for each of the 2 examples"),
        ([[1, 2]], "does not fit one column"),
    ],
)
def test_mixed_refuses(mixed, values, message):
    with pytest.raises(ValueError, match=message):
        mixed.check(values)


def test_something_else_is_refused_as_a_condition():
    with pytest.raises(TypeError, match="`condition` must be a condition such as Categorical"):
        kae.conditions.get(10)
    with pytest.raises(TypeError, match=r"Property `digit` must be Categorical or Continuous\. Received: int"):
        kae.conditions.get({"digit": 10})
    with pytest.raises(ValueError, match=r"^`condition` must have at least one property, or be None\. Received: {}$"):
        kae.models.ConditionalVAE(condition={})
    with pytest.raises(ValueError, match="must be a Python identifier"):
        kae.conditions.get({"a b": kae.Categorical(2)})


def test_a_vocabulary_is_kept_in_the_config_and_numbers_serve_as_well():
    condition = kae.Categorical.from_config(kae.Categorical(["cat", "dog"]).get_config())
    np.testing.assert_array_equal(condition.check(["dog", "cat"]), [1, 0])
    np.testing.assert_array_equal(condition.check([1, 0]), [1, 0])
    np.testing.assert_array_equal(condition.check("dog", 2), [1, 1])
    assert kae.Categorical.from_config({"num_classes": 3}).vocabulary is None  # of a file that has none


@pytest.mark.parametrize("names", [["a", "a"], ["a", 1], [""], ["a", None]])
def test_a_vocabulary_must_be_different_names(names):
    with pytest.raises(ValueError, match=r"`vocabulary` must be . different names, one per class"):
        kae.Categorical(names)


def test_names_are_numbers_in_a_graph():
    condition = kae.Categorical(["cat", "dog"])
    check = tf.function(lambda names: condition.guard(names))
    np.testing.assert_array_equal(check(tf.constant(["dog", "cat"])), [1, 0])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"must be one of .*cat.*dog"):
        check(tf.constant(["dog", "cow"]))


def test_each_property_of_several_learns_its_names(mixed):
    mixed.learn_names({"digit": [str(i) for i in range(10)], "slant": [0.0] * 10, "pen": [[0, 0]] * 10})
    values = mixed.check({"digit": ["7"], "slant": [0], "pen": [[0, 0]]})
    np.testing.assert_array_equal(values["digit"], [7])


@pytest.mark.parametrize("nested", [False, True])
def test_a_condition_that_is_not_built_can_be_adapted(nested):
    part = kae.Continuous()
    condition = kae.conditions.Mixed({"angle": part, "digit": kae.Categorical(3)}) if nested else part
    assert condition.needs_adapting
    condition.adapt({"angle": np.arange(5.0), "digit": np.zeros(5)} if nested else np.arange(5.0))
    assert not condition.needs_adapting
    model = kae.models.ConditionalVAE(latent_dim=2, condition=condition)
    model.build((None, 3))
    np.testing.assert_allclose([part.loc[0], part.scale[0]], [2.0, np.arange(5.0).std()], rtol=1e-6)
