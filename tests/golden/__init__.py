"""Every model that is sent or stored, as JSON: what this release writes, and what a later one may write."""
