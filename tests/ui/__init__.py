"""The pages for the person on call."""
