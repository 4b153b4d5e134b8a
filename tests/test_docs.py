"""What README and docs name is there."""

import itertools
import re

import pytest
from mmengine.config import Config

from tests.tiny import REPOSITORY

PAGES = [
    REPOSITORY / 'README.md',
    REPOSITORY / 'CONTRIBUTING.md',
    *sorted((REPOSITORY / 'docs').glob('*.md')),
]
FILE = re.compile(
    r'(?<![\w/>])(?:configs|tools|benchmarks|dev|docs|mmseg_dkd)/[\w./{},-]*\.(?:py|sh|md|png)'
)


def expanded(path: str) -> list[str]:
    """Braces as the shell expands them."""
    parts = [part.split(',') for part in re.split(r'[{}]', path)]
    return [''.join(choice) for choice in itertools.product(*parts)]


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_files_that_a_page_names_are_there(page):
    named = {file for found in FILE.findall(page.read_text()) for file in expanded(found)}
    # mmsegmentation's own tool has the folder's name too.
    named -= {'tools/dataset_converters/voc_aug.py'}
    # The example of docs/methods.md.
    named = {file for file in named if 'lwf' not in file}
    missing = [file for file in sorted(named) if not (REPOSITORY / file).is_file()]
    assert not missing


def test_files_are_found():
    assert sum(bool(FILE.search(page.read_text())) for page in PAGES) > 12


def test_options_of_the_presets_page_are_there():
    text = (REPOSITORY / 'docs/presets.md').read_text()
    roots = 'optim_wrapper|later_steps|model|memory|param_scheduler|auto_scale_lr'
    options = set(re.findall(rf'`((?:{roots})[\w.]*)', text)) - {'memory'}
    assert len(options) > 10
    for option in options:
        part = Config.fromfile(REPOSITORY / 'configs/dkd_m_labels/voc_15-5.py')
        # mmengine adds what is not there: only the last key may be new.
        for key in option.split('.')[:-1]:
            part = part[int(key) if isinstance(part, list) else key]
        assert part is not None, option
