"""Model archives: built reproducibly, named by their dm-verity root, proven before they are served."""
