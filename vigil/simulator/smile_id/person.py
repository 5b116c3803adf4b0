"""The invented person, in words that occur nowhere else: whoever finds one in a log has found a leak."""

from typing import Final

CANARIES: Final = {
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
"""By what they are; all of them are in the results of a job that looks up a number and compares a face."""

NOT_AVAILABLE: Final = "Not Available"
