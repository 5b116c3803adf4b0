"""Signicat Assure: callbacks of two generations, processes and files."""
