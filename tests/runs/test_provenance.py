"""Every result says where it comes from."""

import csv
import json
import os
import platform
import shutil
import subprocess
from datetime import datetime

import numpy as np
import pytest
import torch

from mmseg_dkd import Scenario
from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.runs import Run, provenance
from mmseg_dkd.runs.provenance import revision_of, software
from mmseg_dkd.runs.recipe import recipe_of
from mmseg_dkd.utils.json_file import read_json, write_json

NO_GIT = pytest.mark.skipif(shutil.which('git') is None, reason='git is not installed')


def test_every_step_of_a_run_says_where_it_comes_from(finished, tiny):
    for entry in json.loads((finished / 'results.json').read_text()):
        found = entry['provenance']
        assert found['config'] == 'dkd/fashion_4-2.py'
        assert found['recipe'] == recipe_of(step_config(tiny(), entry['step']))
        assert found['scenario'] == Scenario('4-2', 8).fingerprint
        assert (found['seed'], found['processes']) == (tiny().randomness.seed, 1)
        assert found['device'] and datetime.fromisoformat(found['date']).utcoffset() is not None
        versions = found['versions']
        assert versions['torch'] == torch.__version__ and versions['numpy'] == np.__version__
        assert versions['python'] == platform.python_version()
        assert found['distributions']['mmcv'] in ('mmcv', 'mmcv-lite', 'onedl-mmcv')
        # Not asked again: files may have changed since.
        assert software().items() <= found.items()
    with (finished / 'results.csv').open() as file:
        assert 'provenance' not in next(csv.reader(file))


@pytest.mark.usefixtures('undrawn')
def test_another_number_of_processes_is_told_when_a_run_goes_on(tiny, tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(provenance, 'print_log', lambda text, **kwargs: told.append(text))
    Run(tiny(), tmp_path).run([0])
    manifest = read_json(tmp_path / 'manifest.json', None)
    assert manifest['processes'] == 1
    write_json(tmp_path / 'manifest.json', dict(manifest, processes=4))
    Run(tiny(), tmp_path).run([0], resume=True)
    assert not told, 'nothing goes on'
    Run(tiny(), tmp_path).run([1], resume=True)
    assert len(told) == 1 and 'started with 4 process(es) and goes on with 1' in told[0]
    assert read_json(tmp_path / 'manifest.json', None)['processes'] == 1


@pytest.fixture
def repository(tmp_path):
    """A repository with one commit of a package."""
    (tmp_path / 'package').mkdir()
    (tmp_path / 'package/__init__.py').write_text('')
    for command in ('init -q', 'add .', '-c user.name=a -c user.email=a@b commit -q -m a'):
        subprocess.run(['git', '-C', tmp_path, *command.split()], check=True)
    return tmp_path


@NO_GIT
def test_revision_is_that_of_the_repository_that_has_the_package(repository):
    revision, dirty = revision_of(repository / 'package')
    assert len(revision) == 40 and dirty is False
    (repository / 'note.txt').write_text('of no matter')
    assert revision_of(repository / 'package') == (revision, False)
    (repository / 'package/__init__.py').write_text('x = 1')
    assert revision_of(repository / 'package') == (revision, True)


@NO_GIT
def test_an_installed_package_is_of_no_repository_though_it_lies_in_one(repository, tmp_path):
    installed = repository / '.venv/package'
    shutil.copytree(repository / 'package', installed)
    assert revision_of(installed) == (None, None)
    assert revision_of(repository / 'nowhere') == (None, None)


@NO_GIT
def test_without_git_there_is_no_revision(repository, monkeypatch):
    monkeypatch.setitem(os.environ, 'PATH', '')
    assert revision_of(repository / 'package') == (None, None)
