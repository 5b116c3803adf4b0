"""A provider's callback, from its first byte to its answer and its filed receipt.

`endpoint` reads the request, `intake` leads it through the lanes, `receipts` stores and files our copy, `dispatch`
signals the verification, `answers` has the status code, and `relay` dispatches later what could not be dispatched
before the answer.
"""
