"""Every config is in README and metafile of its folder, and model-index.yml leads to all."""

import re
from pathlib import Path

import pytest
import yaml

from tests.commands import commands_of_page
from tests.test_commands import wrong
from tests.test_links import links

from .names import CONFIGS, REPOSITORY
from .resolved import LEAVES

FOLDERS = sorted({Path(name).parent.name for name in LEAVES})
PAGES = [CONFIGS / 'README.md', *(CONFIGS / folder / 'README.md' for folder in FOLDERS)]
ROW = re.compile(r'^\| \[([\w.-]+\.py)\]\(\1\) \|.*\|$', re.M)
METRICS = ['mIoU', 'mIoU_b', 'mIoU_n', 'hIoU', 'mIoU_all']


def metafile(folder: str) -> dict:
    return yaml.safe_load((CONFIGS / folder / 'metafile.yml').read_text())


def scores_of_rows(folder: str) -> dict[str, dict[str, float]]:
    """By config, the scores in its row of the README, none if it was not run."""
    text = (CONFIGS / folder / 'README.md').read_text()
    header = next(line for line in text.splitlines() if line.startswith('| Config |'))
    found = {}
    for row in ROW.finditer(text):
        cells = dict(
            zip(*(map(str.strip, line.split('|')) for line in (header, row[0])), strict=True)
        )
        scores = {name: cells[name] for name in METRICS if name in cells}
        run = 'not run' not in scores.values()
        found[row[1]] = {name: float(score) for name, score in scores.items()} if run else {}
    return found


def test_index_imports_every_metafile():
    index = yaml.safe_load((REPOSITORY / 'model-index.yml').read_text())
    assert index == dict(Import=[f'configs/{folder}/metafile.yml' for folder in FOLDERS])


@pytest.mark.parametrize('folder', FOLDERS)
def test_readme_and_metafile_have_every_config_and_the_same_scores(folder):
    content, rows = metafile(folder), scores_of_rows(folder)
    configs = {f'configs/{name}' for name in LEAVES if name.startswith(f'{folder}/')}
    assert {f'configs/{folder}/{name}' for name in rows} == configs
    models = {model['Config']: model for model in content['Models']}
    assert set(models) == configs and len(content['Models']) == len(configs)
    (collection,) = content['Collections']
    assert collection['README'] == f'configs/{folder}/README.md'
    for config, model in models.items():
        assert model['Name'] == f'{folder}_{Path(config).stem}'
        assert model['In Collection'] == collection['Name']
        assert model['Metadata']['Training Data'] in collection['Metadata']['Training Data']
        scores = model['Results']['Metrics'] if 'Results' in model else {}
        assert scores == rows[Path(config).name], config


def test_names_are_unique():
    content = [metafile(folder) for folder in FOLDERS]
    for kind in ('Models', 'Collections'):
        names = [entry['Name'] for part in content for entry in part[kind]]
        assert len(names) == len(set(names))


@pytest.mark.parametrize('folder', FOLDERS)
def test_paper_of_the_metafile_is_that_of_the_readme(folder):
    paper = metafile(folder)['Collections'][0].get('Paper')
    text = (CONFIGS / folder / 'README.md').read_text()
    quoted = re.search(r'^> \[(.+)\]\((\S+)\) \(\w+ \d{4}\)$', text, re.M)
    assert (paper and (paper['Title'], paper['URL'])) == (quoted and quoted.groups())


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.parent.name)
def test_links_and_commands_of_a_page_are_there(page):
    text = page.read_text()
    assert [target for target in links(text) if not (page.parent / target).exists()] == []
    commands = commands_of_page(text)
    assert {command: wrong(command) for command in commands if wrong(command)} == {}
    named = [word for command in commands for word in command.words if word.endswith('.py')]
    assert [name for name in named if not (REPOSITORY / name).is_file()] == []
    assert bool(named) == (page.parent != CONFIGS)


def test_the_page_of_all_leads_to_every_folder_and_shows_a_config_as_it_is():
    text = PAGES[0].read_text()
    assert {f'{folder}/README.md' for folder in FOLDERS} <= set(links(text))
    shown = re.search(r'```python\n(.*?)```', text, re.S)[1]
    assert shown == re.sub(r'\A(#.*\n)+', '', (CONFIGS / 'dkd/voc_15-1.py').read_text())
