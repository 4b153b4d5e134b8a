"""A file fits in the head."""

from itertools import chain

from tests.tiny import REPOSITORY

FOLDERS = ('benchmarks', 'configs', 'docs', 'mmseg_dkd', 'tests', 'tools')
GENERATED = (REPOSITORY / 'docs/_build', REPOSITORY / 'docs/reference')
LIMIT = 300


def test_no_file_is_longer_than_300_lines():
    files = chain(REPOSITORY.glob('*'), *((REPOSITORY / folder).rglob('*') for folder in FOLDERS))
    lines = {
        str(file.relative_to(REPOSITORY)): len(file.read_text().splitlines())
        for file in files
        if file.suffix in ('.md', '.py', '.sh') and not set(GENERATED) & set(file.parents)
    }
    assert len(lines) > 400
    assert not {name: count for name, count in lines.items() if count > LIMIT}
