"""Identomat, simulated: sessions that may reopen, their results, files, video calls and messages, and callbacks."""
