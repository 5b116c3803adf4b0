"""The `vigil` command, one module for each subcommand."""
