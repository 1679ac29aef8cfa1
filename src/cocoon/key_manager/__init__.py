"""The key-manager role: keys that survive image and firmware updates, released by policy."""
