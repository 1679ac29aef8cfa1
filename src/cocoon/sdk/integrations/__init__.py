"""Plug-ins for packages that have a place for them.

None of those packages is needed by Cocoon: each module imports its own, and says how to get it.
"""
