"""How Sphinx builds the site; `make docs` at the root of the tree runs it."""

import shlex
import sys

project = "Loopkeeper"
author = "Loopkeeper's authors"
project_copyright = f"{author}, Apache-2.0"

extensions = ["myst_parser", "sphinxcontrib.mermaid", "loopkeeper_docs.extension"]
exclude_patterns = ["_build", ".*", "src", "tests", "README.md"]
nitpicky = True
needs_sphinx = "9.0"

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_fence_as_directive = ["mermaid"]
myst_heading_anchors = 4

# Drawn while building: a diagram that does not parse is a warning, and pages need neither script nor network.
mermaid_cmd = shlex.join([sys.executable, "-m", "mermaidx"])
mermaid_params = ["--quiet", "--background", "white"]
mermaid_output_format = "svg"

html_math_renderer = "mathml"
html_theme = "furo"
html_title = "Loopkeeper"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
