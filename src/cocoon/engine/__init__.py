"""Inference engines behind one interface, and the metering of what they answer."""
