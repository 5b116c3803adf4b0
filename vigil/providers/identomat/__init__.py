"""Identomat: callbacks that wake us, a result that may change for ever, recordings that come late."""
