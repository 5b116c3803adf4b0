"""Random courses and random bytes. `make fuzz EFFORT=50` tries fifty times as much as `make test`."""
