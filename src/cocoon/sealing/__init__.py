"""Keys that only one measured image on one machine can get again."""
