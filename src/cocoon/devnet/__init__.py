"""A whole network on one machine, with simulated TEE hardware."""
