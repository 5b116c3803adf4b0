"""Signicat Assure: callbacks of both generations, processes, files."""
