"""tools/figures.py, as a user types it."""

import runpy
import shutil
import sys

import pytest
from mmengine.config import Config
from PIL import Image

from mmseg_dkd.runs import Run
from tests.tiny import REPOSITORY, shrink


@pytest.fixture(scope='module')
def measured(scenes, finished, tmp_path_factory):
    """A tiny run of all steps that measures the change at every iteration."""
    cfg = shrink(Config.fromfile(REPOSITORY / 'configs/dkd/fashion_4-2.py'), scenes)
    cfg.custom_hooks[1].interval = 1
    folder = tmp_path_factory.mktemp('runs') / 'fashion_4-2'
    shutil.copytree(finished, folder)
    Run(cfg, folder).run([1, 2])
    return folder


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Run the tool in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments) -> None:
        monkeypatch.setattr(sys, 'argv', ['tools/figures.py', *map(str, arguments)])
        runpy.run_path(str(REPOSITORY / 'tools/figures.py'), run_name='__main__')

    return run


def test_each_figure_is_one_command(call, measured, tmp_path, capsys):
    for row in ('kd_init', 'kd_dkd', 'dkd'):
        for seed in range(2):
            run = tmp_path / 'work_dirs/compare' / f'{row}_fashion_4-2' / f'seed_{seed}'
            shutil.copytree(measured, run)
    printed = {}
    for name in ('steps', 'change', 'activation'):
        call(name)
        file = tmp_path / f'work_dirs/compare/{name}.png'
        printed[name] = capsys.readouterr().out
        assert printed[name].endswith(f'{file}\n')
        with Image.open(file) as picture:
            assert picture.format == 'PNG' and picture.width > 1000
    assert '| without (kd_init_fashion_4-2) | ' in printed['change']
    assert '| with (dkd_fashion_4-2) | ' in printed['change']
    assert "| class 'bag', step 2 (%) | seed_0 | seed_1 | mean |" in printed['activation']
    assert '| without (kd_dkd_fashion_4-2): IoU | ' in printed['activation']


def test_rows_and_file_can_be_given(call, measured, tmp_path, capsys):
    out = tmp_path / 'new' / 'figure.png'
    call('change', measured, measured, '--step', 2, '--out', out)
    assert out.is_file() and capsys.readouterr().out.endswith(f'{out}\n')


@pytest.mark.parametrize(
    'arguments, words',
    [
        (['steps'], r'work_dirs/compare has no finished run'),
        (['change'], r'compare/kd_init_fashion_4-2 has no run that has finished step 1'),
        (['activation'], r'compare/kd_dkd_fashion_4-2 has no run that has finished all its steps'),
    ],
)
def test_missing_rows_name_the_command_that_makes_them(call, arguments, words):
    with pytest.raises(SystemExit, match=f'error: .*{words}') as error:
        call(*arguments)
    assert 'python tools/compare.py configs/{kd,kd_dkd,kd_init,dkd}/fashion' in str(error.value)


def test_one_row_cannot_be_compared(call, tmp_path, capsys):
    with pytest.raises(SystemExit, match='change compares two rows, got 1'):
        call('change', tmp_path)
