"""What ``cocoon chain …`` consists of: the server, finding and calling one, and what is shown."""
