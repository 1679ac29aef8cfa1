"""Models as archives: built reproducibly, named by their dm-verity root, proven before use."""
