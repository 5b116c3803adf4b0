"""A request that the fake refuses."""

import json
from collections.abc import Mapping
from typing import Any

import httpx


class Refused(Exception):
    """A request that is answered with a problem."""

    def __init__(
        self,
        status: int,
        code: str,
        *fields: str,
        detail: str | None = None,
        details: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        body: dict[str, Any] = {"type": f"urn:vigil:{code}", "title": code.replace("_", " "), "status": status}
        body["help"] = f"/docs/problems#{code}"
        if detail:
            body["detail"] = detail
        if fields:
            body["fields"] = [
                {"field": field, "detail": (details or {}).get(field, "does not fit")} for field in fields
            ]
        sent = {"content-type": "application/problem+json", **(headers or {})}
        self.response = httpx.Response(status, content=json.dumps(body).encode(), headers=sent)
