"""Tests of Smile ID's provider."""
