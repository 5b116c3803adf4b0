"""The codec server: opens payloads for persons who look at Temporal's UI, and seals none."""
