"""Sphinx configuration: MyST Markdown, Furo, warnings are errors (`make check`)."""

project = "Cocoon in Python"
author = "The Cocoon in Python team"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "Cocoon in Python"
myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 3
