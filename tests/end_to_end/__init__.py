"""The whole of Vigil as processes of its own, and what may be done to them."""
