"""Sphinx: pages in Markdown (MyST), reference from the docstrings. Built by dev/build_docs.sh."""

from mmcv.transforms import utils

# Sphinx looks members up on their class, where mmcv's decorator fails: it keeps a weak reference to
# the object.
utils.cache_randomness = lambda method: method
import mmseg_dkd  # noqa: E402

project = 'mmseg_dkd'
release = version = mmseg_dkd.__version__

extensions = [
    'myst_parser',
    'sphinx.ext.apidoc',
    'sphinx.ext.autodoc',
    'sphinx.ext.mathjax',
    'sphinx.ext.napoleon',
    'sphinx.ext.viewcode',
]
exclude_patterns = ['_build', 'reference/modules.rst']
html_show_copyright = False
html_theme = 'furo'
html_title = f'{project} {release}'

myst_enable_extensions = ['dollarmath']
myst_heading_anchors = 3

# The README, which is a page too, leads out of docs/; tests/test_links.py looks at every link.
suppress_warnings = ['myst.xref_missing']
# One page per module.
apidoc_modules = [
    dict(path='../mmseg_dkd', destination='reference', separate_modules=True, module_first=True)
]
# What a package gathers from its modules is described there.
autodoc_default_options = {'ignore-module-all': True}
autodoc_member_order = 'bysource'
autodoc_typehints_format = 'short'
napoleon_numpy_docstring = False
napoleon_use_ivar = True
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True
# Classes of other packages are not linked; a reference to anything of this one must lead somewhere.
nitpicky = True
nitpick_ignore_regex = [('py:class', r'(?!mmseg_dkd\.).*')]
