"""The benchmark of whole processes."""

import pytest
import start_up


def test_ratios_are_those_of_one_round():
    found = {("keras_ae", 1): [2.0, 3.0, 8.0], ("Keras fit", 1): [4.0, 3.0, 2.0]}
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in start_up.table(found).splitlines()[2:]]
    assert rows == [["keras_ae", "1", "3.0", ""], ["Keras fit", "1", "3.0", "1.00 x"]]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["keras_ae", "Keras fit"])
def test_a_process_ends_after_its_last_epoch(name):
    assert 0 < start_up.seconds(name, 2, num_examples=256) < 120
