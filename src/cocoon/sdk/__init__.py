"""The SDK: private inference from a program, without a gateway beside it."""
