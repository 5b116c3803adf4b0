"""Stories of the verification workflow on real Temporal servers."""
