"""Writes docs/problems.md from the table of problem types: `make docs`."""

from pathlib import Path

from api.problem_types import PROBLEM_TYPES


def build_page() -> str:
    """Return the text of the page."""
    sections = (f"## {code}\n\n{meaning} {action}\n" for code, (meaning, action) in sorted(PROBLEM_TYPES.items()))
    return "\n".join((_ABOUT, *sections))


_ABOUT = """# Problems

Every error of the API for backends is a problem of [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457), with the media
type `application/problem+json`:

| Member | What it holds |
|---|---|
| `type` | `urn:vigil:` and a name below. It is stable: programs look at it alone |
| `title`, `status`, `detail` | for people; the texts may change |
| `fields` | each field at fault, such as `body.deadline_at`, with a sentence. No value that was sent is repeated |
| `help` | the section about the type, served by the API itself |
| `request_id` | also in the header `Request-Id` and in each line that the API logs about the request |

This page is written by `make docs`.
"""


if __name__ == "__main__":
    Path(__file__).with_name("problems.md").write_text(build_page())
