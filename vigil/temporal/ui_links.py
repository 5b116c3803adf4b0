"""Addresses in Temporal's UI. Each begins with the UI's address of the namespace, as `[temporal] ui` has it."""

from urllib.parse import quote


def link_workflow(ui: str, workflow_id: str) -> str:
    """Return the address of a workflow's newest run. An id may have slashes, and the UI takes it as one segment."""
    return f"{ui}/workflows/{quote(workflow_id, safe='')}"


def link_list(ui: str, query: str) -> str:
    """Return the address of the list of workflows that a query finds. The UI can save it as a view."""
    return f"{ui}/workflows?query={quote(query, safe='')}"
