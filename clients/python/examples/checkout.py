"""Follow one verification and save its files: `python checkout.py ACCOUNT REFERENCE [COORDINATE=VALUE...]`."""

import sys
from collections.abc import Mapping
from pathlib import Path

from vigil_client import Client, Newest, Verification


def follow(vigil: Client, account: str, reference: str, coordinates: Mapping[str, str], to: Path) -> Verification:
    known = vigil.register(account, reference, applicant="order-7", coordinates=coordinates, notify=["checkout"])
    verification = vigil.wait(known, until="complete")
    for file in vigil.evidence(verification):
        if file.state == "stored":
            vigil.download(verification, file.name, to / file.filename)
    return verification


def receive(vigil: Client, newest: Newest, body: bytes, headers: Mapping[str, str]) -> str | None:
    notification = vigil.unwrap(body, headers)
    return notification.data.decision if newest.is_new(notification) else None


if __name__ == "__main__":
    with Client() as client:  # of VIGIL_URL and VIGIL_KEY
        coordinates = dict(pair.split("=", 1) for pair in sys.argv[3:])
        found = follow(client, sys.argv[1], sys.argv[2], coordinates, Path())
        person = client.claims(found).person
        print(found.outcome, found.decision, person.full_name, person.birthdate)
