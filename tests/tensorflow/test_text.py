"""Attributions of tokens."""

import numpy as np
import pytest
from small import normal

from deepexplain.errors import ArgumentError
from deepexplain.tensorflow import per_token


def test_the_last_axis_is_summed():
    attributions = normal(2, 3, 4)
    found = per_token(attributions)
    assert found.shape == (2, 3)
    np.testing.assert_allclose(found[1, 2], sum(attributions[1, 2]))


def test_a_list_of_several_inputs():
    found = per_token([normal(2, 3, 4), normal(2, 5, 1)])
    assert [one.shape for one in found] == [(2, 3), (2, 5)]


def test_one_axis_is_too_few():
    with pytest.raises(
        ArgumentError, match=r'must have the axes tokens and embedding dimensions last; got shape \(3,\)'
    ):
        per_token(normal(3))
