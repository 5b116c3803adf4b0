import pytest

from tests.conftest import failed_before


def test_of_a_repeated_run_only_the_failed_tests_are_left_and_none_if_none_is_known(
    request: pytest.FixtureRequest,
) -> None:
    items = [request.node]

    assert failed_before(items, {request.node.nodeid}) == items
    assert failed_before(items, {"tests/test_that_could_not_be_collected.py"}) == []
    assert failed_before(items, {}) == []
