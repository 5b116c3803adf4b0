"""Which pages a browser says that a request comes from. It says so by headers that no page can forge."""

from starlette.datastructures import Headers


def names_other_site(headers: Headers) -> bool:
    """Whether an `Origin` is not the host that was asked. Programs send none."""
    host = headers.get("host", "").lower()
    return any(origin.partition("://")[2].lower() != host for origin in headers.getlist("origin"))


def is_fetched_from(headers: Headers, *sites: str) -> bool:
    """Whether every `Sec-Fetch-Site` is one of these. Programs and old browsers send none."""
    return set(sites).issuperset(headers.getlist("sec-fetch-site"))
