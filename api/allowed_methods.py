"""The methods of a path, for the answer to another one: the framework names only those of its first route."""

import re
from typing import Final

from fastapi.routing import iter_route_contexts
from starlette.routing import compile_path
from starlette.types import Scope

_PARAMETER: Final = re.compile(r"\{[^}]*\}")


def allowed_methods(scope: Scope) -> list[str]:
    """Return the methods of the routes whose path fits best: with the fewest parameters, in the most letters."""
    methods: dict[str, set[str]] = {}
    for route in iter_route_contexts(scope["app"].routes):
        if route.path and route.methods and compile_path(route.path)[0].match(scope["path"]):
            methods.setdefault(route.path, set()).update(route.methods)
    best = max(methods, key=_fit, default="")
    return sorted(methods.get(best, ()))


def _fit(path: str) -> tuple[int, int]:
    fixed = _PARAMETER.sub("", path)
    return -path.count("{"), len(fixed)
