"""What ``cocoon key-manager`` does besides running one."""
