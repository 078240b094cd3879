import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ae.schedules import CyclicalWarmUp, LinearWarmUp, duration, value_at

S = keras.optimizers.schedules
STEPS = np.arange(130)


def linear(step):
    return 0.1 + (0.7 - 0.1) * min(step / 40, 1)


def cyclical(step):
    """Fu et al. 2019, with t = step + 1."""
    if step >= 3 * 30:
        return 0.7
    tau = (step % 30) / 30
    return 0.1 + (0.7 - 0.1) * (tau / 0.4 if tau <= 0.4 else 1)


CASES = [(LinearWarmUp(40, 0.1, 0.7), linear), (CyclicalWarmUp(30, 3, fraction=0.4, start=0.1, end=0.7), cyclical)]


@pytest.mark.parametrize("schedule, formula", CASES)
def test_values_equal_the_formula(schedule, formula):
    values = [float(schedule(step)) for step in STEPS]
    np.testing.assert_allclose(values, [formula(step) for step in STEPS], rtol=1e-5)  # float32


@pytest.mark.parametrize("schedule, formula", CASES)
@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_values_are_the_same_in_a_loop_compiled_by_xla(schedule, formula, dtype):
    @tf.function(jit_compile=True)
    def run():
        values = tf.zeros(len(STEPS))
        step = tf.constant(0, dtype)

        def body(step, values):
            return step + 1, tf.tensor_scatter_nd_update(values, [[step]], [value_at(schedule, step)])

        return tf.while_loop(lambda step, _: step < len(STEPS), body, (step, values))[1]

    np.testing.assert_allclose(run(), [formula(step) for step in STEPS], rtol=1e-5)


def test_linear_warm_up_equals_the_polynomial_decay_of_keras_the_other_way_round():
    ours, theirs = LinearWarmUp(50), S.PolynomialDecay(0.0, 50, 1.0)
    np.testing.assert_allclose([ours(s) for s in STEPS], [theirs(s) for s in STEPS], rtol=1e-5, atol=1e-6)


def test_ends_are_exact():
    schedule = LinearWarmUp(7, 0.1, 0.7)
    assert (float(schedule(0)), float(schedule(7))) == (np.float32(0.1), np.float32(0.7))
    assert float(schedule(10**9)) == np.float32(0.7)


def test_value_of_a_variable_that_counts_steps():
    assert float(value_at(LinearWarmUp(10), keras.Variable(3, dtype="int64"))) == pytest.approx(0.3)


@pytest.mark.parametrize(
    "schedule",
    [
        *(schedule for schedule, _ in CASES),
        CyclicalWarmUp(7, 2, fraction=0.5),
        S.PolynomialDecay(0.0, 50, 1.0),
        S.PiecewiseConstantDecay([10, 20], [0.0, 0.5, 1.0]),
        S.CosineDecay(1.0, 30),
        S.CosineDecay(0.1, 30, warmup_target=1.0, warmup_steps=20),
    ],
)
def test_after_its_duration_a_schedule_changes_no_more_and_before_it_does(schedule):
    values = np.array([float(schedule(step)) for step in range(200)])
    (changes,) = np.nonzero(np.diff(values))
    assert changes[-1] + 1 == duration(schedule)


def test_duration_of_what_does_not_change_or_does_not_end():
    assert duration(2.5) == 0
    assert duration(S.ExponentialDecay(1.0, 10, 0.5)) is None
    assert duration(S.PolynomialDecay(1.0, 10, 0.5, cycle=True)) is None


@pytest.mark.parametrize("schedule, _", CASES)
def test_config_round_trip(schedule, _):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(schedule))
    assert type(again) is type(schedule) and again.get_config() == schedule.get_config()


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: LinearWarmUp(0), "`num_steps` must be a positive integer. Received: num_steps=0"),
        (lambda: LinearWarmUp(10.5), "`num_steps` must be"),
        (lambda: LinearWarmUp(10, start="low"), "`start` must be a finite number. Received: start='low'"),
        (lambda: LinearWarmUp(10, end=float("nan")), "`end` must be a finite number"),
        (lambda: CyclicalWarmUp(0), "`period` must be"),
        (lambda: CyclicalWarmUp(10, 0), "`num_cycles` must be"),
        (lambda: CyclicalWarmUp(10, fraction=0), r"`fraction` must be in \(0, 1\]. Received: fraction=0"),
        (lambda: CyclicalWarmUp(10, fraction=1.1), r"`fraction` must be in \(0, 1\]"),
        (lambda: CyclicalWarmUp(10, end=None), "`end` must be a finite number"),
    ],
)
def test_arguments_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
