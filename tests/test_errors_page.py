"""docs/errors.md quotes messages that the package has."""

import ast
import re

import pytest

from tests.tiny import REPOSITORY

PAGE = (REPOSITORY / 'docs/errors.md').read_text()
ROWS = [line.split('|')[1] for line in PAGE.splitlines() if line.startswith('| `')]
QUOTES = [quote for row in ROWS for quote in re.findall(r'`([^`]+)`', row)]


def texts() -> list[str]:
    """All texts of the package; what is put into one at run time is a gap."""
    found = []
    for file in (REPOSITORY / 'mmseg_dkd').rglob('*.py'):
        if '.mim' in file.parts:
            continue
        tree = ast.parse(file.read_text())
        # An expression that is nothing but a text is a docstring.
        said = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
        for node in ast.walk(tree):
            if id(node) in said:
                continue
            if isinstance(node, ast.JoinedStr):
                parts = [p.value if isinstance(p, ast.Constant) else '\0' for p in node.values]
                found.append(''.join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return found


@pytest.fixture(scope='module')
def source() -> str:
    return '\n'.join(texts())


@pytest.mark.parametrize('quote', QUOTES)
def test_message_is_in_the_package(quote, source):
    assert quote in source


def test_page_has_messages_of_every_kind():
    assert len(ROWS) > 40 and len(re.findall(r'^## ', PAGE, re.M)) == 6
