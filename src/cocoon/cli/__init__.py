"""The `cocoon` command, one file a subcommand."""
