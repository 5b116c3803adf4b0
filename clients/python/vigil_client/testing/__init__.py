"""A Vigil for your own tests: the same HTTP in the process of the test, without Temporal, network or account."""

from vigil_client.claims import Document, Person
from vigil_client.testing.fake import FakeVigil
from vigil_client.testing.posting import AsgiApp, Posted
from vigil_client.testing.verification import FakeAccount

__all__ = ["AsgiApp", "Document", "FakeAccount", "FakeVigil", "Person", "Posted"]
