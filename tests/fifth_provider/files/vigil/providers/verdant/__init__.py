"""Verdant: documents and faces, told part by part."""
