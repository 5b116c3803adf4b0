"""Identomat: a result that may change at any time, and recordings that come late."""
