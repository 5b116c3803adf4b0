"""The search for a text in what an object shows of itself."""


def shows(canary: str, *shown: object) -> bool:
    """Return whether any word of the canary is in the `str` or the `repr` of these values."""
    text = " ".join(f"{each} {each!r}" for each in shown)
    return any(part in text for part in canary.split())
