"""Verdant, simulated: inquiries, files behind links that expire, and callbacks about each part."""
