"""A provider that does not exist, added to a copy of the tree as `docs/adding-a-provider.md` says."""
