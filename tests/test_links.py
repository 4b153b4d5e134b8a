"""Links and images of README and docs lead somewhere, and the index to every page."""

import re

import pytest

from tests.tiny import REPOSITORY

PAGES = [
    REPOSITORY / 'README.md',
    REPOSITORY / 'CHANGELOG.md',
    REPOSITORY / 'CONTRIBUTING.md',
    *sorted((REPOSITORY / 'docs').glob('*.md')),
]
CODE = re.compile(r'^```.*?^```|`[^`\n]*`', re.M | re.S)
LINK = re.compile(r'\]\(([^()\s]+)\)')


def links(text: str) -> list[str]:
    """Targets of links and images within the repository, without what is behind a #."""
    found = LINK.findall(CODE.sub('', text))
    return [target.split('#')[0] for target in found if not re.match(r'\w+:|#', target)]


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    assert [t for t in links(page.read_text()) if not (page.parent / t).exists()] == []


def test_the_index_leads_to_every_page():
    docs = REPOSITORY / 'docs'
    listed = set(links((docs / 'index.md').read_text()))
    assert listed == {page.name for page in docs.glob('*.md')} - {'index.md'}


def test_every_image_is_shown():
    shown = {
        (page.parent / target).resolve() for page in PAGES for target in links(page.read_text())
    }
    images = (REPOSITORY / 'docs/images').glob('*')
    assert [image.name for image in images if image.resolve() not in shown] == []


def test_what_is_a_link():
    text = '[a](b.md#c) ![d](e/f.png) `[g](h)` [i](https://j.org) [k](#l)\n```\n[m](n)\n```\n'
    assert links(text) == ['b.md', 'e/f.png']
