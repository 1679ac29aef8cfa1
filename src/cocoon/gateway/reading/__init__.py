"""What callers ask for: every endpoint's body, checked and made ready for the network."""
