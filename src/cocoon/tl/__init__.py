"""The TL codec and every combinator of the official protocol."""
