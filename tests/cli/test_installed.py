"""The wheel in an empty environment: configs, tools and the command, in an empty folder."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import mmseg_dkd
from tests.tiny import REPOSITORY

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def wheel(tmp_path_factory) -> Path:
    """Built from a copy, as pip builds it."""
    folder = tmp_path_factory.mktemp('wheel')
    unwanted = shutil.ignore_patterns('.*', '__pycache__', 'build', 'data', 'work_dirs', 'tests')
    shutil.copytree(REPOSITORY, folder / 'clone', ignore=unwanted)
    command = [sys.executable, '-m', 'pip', 'wheel', '--no-deps', '--quiet', '-w', folder]
    subprocess.run([*command, folder / 'clone'], check=True)
    (found,) = folder.glob('*.whl')
    return found


@pytest.fixture(scope='module')
def installed(wheel, tmp_path_factory) -> Path:
    """Folder ``bin`` of an environment with the wheel, and with the packages that it needs."""
    root = tmp_path_factory.mktemp('env')
    venv.create(root, with_pip=False)
    (packages,) = root.glob('lib/*/site-packages')
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    # Without a network the other packages are those of this environment; its own mmseg_dkd comes
    # behind the wheel's.
    (packages / 'others.pth').write_text(sysconfig.get_path('purelib') + '\n')
    script = root / 'bin' / mmseg_dkd.COMMAND
    script.write_text(f'#!{root}/bin/python\nfrom mmseg_dkd.cli.main import main\nmain()\n')
    script.chmod(0o755)
    return script


def run(script: Path, folder: Path, *arguments) -> subprocess.CompletedProcess:
    env = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}
    return subprocess.run(
        [script, *arguments], capture_output=True, text=True, cwd=folder, env=env, timeout=600
    )


def test_wheel_has_what_mim_looks_for(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    configs = REPOSITORY.glob('configs/**/*.py')
    ours = [str(config.relative_to(REPOSITORY)) for config in configs]
    for name in [*ours, 'model-index.yml', 'configs/dkd/README.md', 'tools/incremental_train.py']:
        assert f'mmseg_dkd/.mim/{name}' in names
    assert not [name for name in names if name.startswith(('tests', 'dev', 'configs'))]


def test_command_works_in_an_empty_folder(installed, tmp_path):
    version = run(installed, tmp_path, '--version')
    assert version.stdout == f'mmseg-dkd {mmseg_dkd.__version__}\n', version.stderr
    listed = run(installed, tmp_path, 'configs')
    assert listed.returncode == 0 and len(listed.stdout.splitlines()) > 130
    assert run(installed, tmp_path, '--help').stdout.startswith('usage: mmseg-dkd')
    lacking = run(installed, tmp_path, 'train', 'dkd/fashion_4-2', '--dry-run')
    assert lacking.returncode == 1
    assert 'missing: data/fashion/JPEGImages does not exist' in lacking.stdout
    prepared = run(installed, tmp_path, 'prepare-demo')
    assert prepared.returncode == 0, prepared.stderr
    ready = run(installed, tmp_path, 'train', 'dkd/fashion_4-2', '--dry-run')
    assert ready.returncode == 0 and 'missing' not in ready.stdout, ready.stdout + ready.stderr
