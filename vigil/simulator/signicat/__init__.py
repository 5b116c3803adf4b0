"""Signicat Assure, simulated: both generations, their dossiers, processes, files and callbacks."""
