"""The check of an endpoint says whether it takes what Vigil signs, and what to correct if it does not."""

from collections.abc import Sequence

import pytest

from tests.activities.backend import Backend
from vigil.cli.endpoint_check import EndpointFailed, send_test_notification
from vigil.config.api_settings import EndpointSettings
from vigil.outbound_http import Resolve
from vigil.providers.transport import open_http
from vigil_client import Newest, unwrap

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def endpoint(url: str, *, allow_private: bool = True) -> EndpointSettings:
    return EndpointSettings.model_validate({"url": url, "secret": SECRET, "allow_private": allow_private})


async def checked(endpoint: EndpointSettings, resolve: Resolve) -> str:
    async with open_http() as http:
        try:
            return await send_test_notification(http, "checkout", endpoint, resolve=resolve)
        except EndpointFailed as failed:
            return str(failed)


async def here(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


async def nowhere(host: str, port: int) -> Sequence[str]:
    raise OSError("no such host")


async def test_a_backend_gets_a_signed_notification_that_is_about_nothing() -> None:
    async with Backend().listening() as backend:
        found = await checked(endpoint(f"http://127.0.0.1:{backend.port}/hooks"), here)

    (told,) = backend.told
    notification = unwrap(told.body, told.headers, (SECRET,))
    assert found == "answered 204 to a signed test notification"
    assert (notification.type, notification.data.sequence, notification.data.decision) == ("verification.test", 0, None)
    assert not Newest().is_new(notification)


@pytest.mark.parametrize("answer", [400, 401, 410, 500])
async def test_an_endpoint_that_refuses_it_has_another_secret_or_refuses_new_types(answer: int) -> None:
    async with Backend().listening() as backend:
        backend.answers.append(answer)
        found = await checked(endpoint(f"http://127.0.0.1:{backend.port}/hooks"), here)

    assert found == (
        f"answered {answer} to a signed verification.test: compare endpoints.checkout.secret with the receiver's, "
        "and let the receiver answer 2xx to each type that it does not know"
    )


@pytest.mark.parametrize(
    ("url", "allow_private", "resolve", "sentence"),
    [
        ("http://127.0.0.1:9/", True, here, "no answer (ConnectError): check endpoints.checkout.url and the network"),
        ("https://hooks.test/", True, nowhere, "its host has no address: correct endpoints.checkout.url"),
        (
            "https://hooks.test/",
            False,
            here,
            "leads into a private network: set endpoints.checkout.allow_private, or another url",
        ),
    ],
)
async def test_an_endpoint_that_cannot_be_reached_says_why(
    *, url: str, allow_private: bool, resolve: Resolve, sentence: str
) -> None:
    assert await checked(endpoint(url, allow_private=allow_private), resolve) == sentence
