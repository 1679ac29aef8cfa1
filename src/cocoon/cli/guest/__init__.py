"""What runs inside a guest image of ours."""
