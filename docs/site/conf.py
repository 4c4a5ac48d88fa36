# The site's settings; scripts/docs calls Sphinx with the folder of pages that docs/site/pages has written.
project = "adjoint"
copyright = "the authors of adjoint"
html_title = "adjoint"
html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False

extensions = ["myst_parser"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
myst_heading_anchors = 3
highlight_language = "none"
suppress_warnings = ["myst.header"]  # pages begin at any level
