"""What the routes of the pages share: errors become pages, and forms become fields."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any, TypeAlias
from urllib.parse import parse_qs

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from api.auth import find_backend
from api.problems import Problem, problem_of
from api.ui.rendering import render


class PageRoute(APIRoute):
    """A route whose errors are pages. A fault of this program stays an error, which the layers around it log."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_as_page(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError:
                return render_error(request, 422, "The address or the form has a value that does not fit")
            except Exception as error:
                problem = problem_of(error)
                if problem is None:
                    raise
                return render_error(request, problem.status, problem.view.title, problem.view.detail)

        return handle_as_page


def render_error(request: Request, status: int, title: str, detail: str | None = None) -> Response:
    """Return a page with one sentence."""
    context = {"caller": find_backend(request), "title": title, "detail": detail}
    return render("error.html", context, status=status)


async def read_form(request: Request) -> Mapping[str, str]:
    """Return the fields of a form, the last value of each."""
    fields = parse_qs((await request.body()).decode("ascii", errors="replace"), max_num_fields=20)
    return {name: values[-1] for name, values in fields.items()}


def require_tick(form: Mapping[str, str]) -> None:
    """Raise `Problem` unless the box of the form is ticked."""
    if form.get("sure") != "yes":
        raise Problem(422, "invalid_request", "Tick the box to say that you are sure")


Form: TypeAlias = Annotated[Mapping[str, str], Depends(read_form)]
"""FastAPI dependency: the fields of the form."""
