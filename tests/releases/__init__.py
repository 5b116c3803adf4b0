"""Two releases side by side: this one, and a next one that is built from it."""
