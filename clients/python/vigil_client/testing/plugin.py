"""A pytest plugin: the fixture `vigil` is a fresh fake for each test. Installing `vigil-client` installs it."""

import pytest

from vigil_client.testing.fake import FakeVigil


@pytest.fixture
def vigil() -> FakeVigil:
    """Return a Vigil in the process of the test, without Temporal, network or account."""
    return FakeVigil()
