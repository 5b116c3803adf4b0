"""Verdant: documents and faces, with one callback for each part."""
