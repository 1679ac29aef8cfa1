"""What ``cocoon attest …`` consists of, one file a command."""
