"""The invented person in Smile ID's JSON."""

from typing import Final

MARKERS: Final = {
    "full_name": "Zurindel Okwarthembe",
    "first_name": "Zurindel",
    "last_name": "Okwarthembe",
    "birth_date": "1913-09-23",
    "birth_place": "Lower Quarndale",
    "address": "Brimwick Crescent 53",
    "phone": "+2348099177413",
    "id_number": "ZQ5518CANARY",
    "confidence": "93.184276",
}
"""In words that occur nowhere else, so that one in a log proves a leak.

All of them are in the results of a job that looks up a number and compares a face.
"""
