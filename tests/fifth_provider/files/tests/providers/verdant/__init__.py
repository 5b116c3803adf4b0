"""What the tests of Verdant need."""
