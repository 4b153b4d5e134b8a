"""What README and docs name is there."""

import itertools
import re

import pytest
from mmengine.config import Config

from tests.tiny import REPOSITORY

PAGES = [REPOSITORY / 'README.md', *sorted((REPOSITORY / 'docs').glob('*.md'))]
FILE = re.compile(
    r'(?<![\w/>])(?:configs|tools|benchmarks|docs|mmseg_dkd)/[\w./{},-]*\.(?:py|sh|md|png)'
)


def expanded(path: str) -> list[str]:
    """Braces as the shell expands them."""
    parts = [part.split(',') for part in re.split(r'[{}]', path)]
    return [''.join(choice) for choice in itertools.product(*parts)]


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_files_that_a_page_names_are_there(page):
    named = {file for found in FILE.findall(page.read_text()) for file in expanded(found)}
    assert named
    # mmsegmentation's own tool has the folder's name too.
    named -= {'tools/dataset_converters/voc_aug.py'}
    missing = [file for file in sorted(named) if not (REPOSITORY / file).is_file()]
    assert not missing


def test_commands_of_the_result_tables_fit_their_rows():
    text = (REPOSITORY / 'docs/results.md').read_text()
    rows = re.findall(r'^\| (DKD|DKD-M|Joint) \|.*`tools/dist_train.sh (configs\S+) 4', text, re.M)
    assert len(rows) == 9 * 2 + 6
    for method, path in rows:
        cfg = Config.fromfile(REPOSITORY / path)
        assert bool(cfg.get('memory')) == (method == 'DKD-M')
        assert (cfg.scenario.name == 'joint') == (method == 'Joint')
