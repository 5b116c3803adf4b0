"""The HTTP face: callbacks from providers, questions and commands from backends."""
