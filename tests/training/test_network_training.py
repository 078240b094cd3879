import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ae.training.network_training import train_network


def test_the_minimum_of_a_square_is_found():
    weight = keras.Variable(np.zeros(3, np.float32))
    x = np.random.default_rng(0).normal(size=[64, 3]).astype(np.float32)
    options = {"epochs": 300, "batch_size": 64, "learning_rate": 0.1, "decay": True}
    train_network(lambda number, x: tf.reduce_sum((x - weight.value) ** 2), [weight], [x], **options)
    np.testing.assert_allclose(weight.numpy(), x.mean(axis=0), atol=1e-3)


def test_every_epoch_has_another_order_and_leaves_out_the_last_smaller_batch():
    weight, seen = keras.Variable(0.0), []

    def loss(number, rows):
        tf.py_function(lambda *each: seen.append([value.numpy() for value in each]), (number, rows), [])
        return weight.value * 0.0

    train_network(loss, [weight], [np.arange(10)], epochs=2, batch_size=4)
    assert [number for number, _ in seen] == [0, 1, 2, 3]
    epochs = [np.concatenate([rows for _, rows in seen[start : start + 2]]) for start in (0, 2)]
    assert all(len(set(rows)) == 8 for rows in epochs)
    assert list(epochs[0]) != list(epochs[1])


@pytest.mark.parametrize("seed", (3, (3, 2)))
def test_further_arrays_are_drawn_for_each_step(seed):
    weight, seen = keras.Variable(0.0), []

    def loss(number, rows, drawn):
        tf.py_function(lambda each: seen.append(each.numpy()), (drawn,), [])
        return weight.value * 0.0

    def draw(rng):
        return [rng.integers(1000, size=2)]

    train_network(loss, [weight], [np.arange(8)], epochs=2, batch_size=4, draw=draw, seed=seed)
    rng, expected = np.random.default_rng(seed), []
    for _ in range(2):
        rng.permutation(8)
        expected += [rng.integers(1000, size=2) for _ in range(2)]
    np.testing.assert_array_equal(seen, expected)
