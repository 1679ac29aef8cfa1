"""What callers get: engines' answers in the form that each API gives them."""
