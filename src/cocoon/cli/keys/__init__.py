"""What ``cocoon keys`` needs beyond its commands."""
