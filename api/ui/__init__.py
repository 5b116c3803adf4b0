"""Pages for the person on call, written by the server: the list, one verification, callbacks, accounts."""
