"""Commands of README, docs and configs name scripts, options and configs that are there."""

import pytest

from tests.commands import command_in, commands, commands_of_config, commands_of_page, options_of
from tests.tiny import REPOSITORY

PAGES = [
    REPOSITORY / 'README.md',
    REPOSITORY / 'CONTRIBUTING.md',
    *sorted((REPOSITORY / 'docs').glob('*.md')),
]
CONFIGS = sorted((REPOSITORY / 'configs').glob('[!_]*/*.py'))


def wrong(command) -> list[str]:
    """What of a command is not there."""
    name = command.script.removeprefix('mmseg-dkd ')
    if name not in commands() and not (REPOSITORY / command.script).is_file():
        return [command.script]
    # What run_tests.sh is given is pytest's.
    known = (
        command.options if command.script.endswith('run_tests.sh') else options_of(command.script)
    )
    return sorted(command.options - known)


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_commands_of_a_page_are_there(page):
    commands = commands_of_page(page.read_text())
    assert {c: wrong(c) for c in commands if wrong(c)} == {}


def test_commands_are_found():
    count = {page.name: len(commands_of_page(page.read_text())) for page in PAGES}
    assert count['README.md'] > 10 and count['results.md'] > 60 and count['gpus.md'] > 5


@pytest.mark.parametrize('config', CONFIGS, ids=lambda config: '/'.join(config.parts[-2:]))
def test_a_config_opens_with_the_command_that_runs_it(config):
    commands = commands_of_config(config.read_text())
    assert {c: wrong(c) for c in commands if wrong(c)} == {}
    assert str(config.relative_to(REPOSITORY)) in [c.words[0] for c in commands if c.words]


@pytest.mark.parametrize(
    ('line', 'expected'),
    [
        ('python tools/train.py a.py --resume  # --no', []),
        ('python tools/train.py a.py --resumes', ['--resumes']),
        ('PORT=1 tools/dist_train.sh a.py 4 --seeds=0-2 --amps', ['--amps']),
        ('tools/dist_test.sh a.py b.pth 4 --tta --seeds 1', ['--seeds']),
        ('tools/slurm_train.sh gpu a a.py --resume --tta', ['--tta']),
        ('python tools/no.py', ['tools/no.py']),
        ('mmseg-dkd train dkd/voc_15-5 --resume', []),
        ('python -m mmseg_dkd compare kd/voc_15-5 --resume', ['--resume']),
        ('mmseg-dkd trains dkd/voc_15-5', ['mmseg-dkd trains']),
    ],
)
def test_what_is_not_there_is_found(line, expected):
    assert wrong(command_in(line)) == expected


def test_a_line_without_a_script_of_ours_is_no_command():
    assert command_in('python <mmseg>/.mim/tools/test.py a.py --out b') is None
