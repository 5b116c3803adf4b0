"""Sends messages to applicants through a mail server or an HTTP gateway."""
