"""Installed in an empty environment: configs, tools and the command, in an empty folder."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import mmseg_dkd
from tests.tiny import REPOSITORY

pytestmark = pytest.mark.slow


# Without a network: what builds and what is needed are those of this environment.
OFFLINE = ('--no-deps', '--no-index', '--no-build-isolation', '--quiet')


def pip(*arguments) -> None:
    subprocess.run([sys.executable, '-m', 'pip', *arguments], check=True)


@pytest.fixture
def clone(tmp_path_factory) -> Path:
    """A copy of the repository, which building may write to."""
    folder = tmp_path_factory.mktemp('clone') / 'clone'
    unwanted = shutil.ignore_patterns(
        '.*', '__pycache__', '*.egg-info', 'build', 'data', 'work_dirs', 'tests'
    )
    shutil.copytree(REPOSITORY, folder, ignore=unwanted)
    return folder


def wheel_of(source: Path) -> Path:
    folder = source.parent / f'wheel_of_{source.name}'
    pip('wheel', *OFFLINE, '-w', folder, source)
    (found,) = folder.glob('*.whl')
    return found


@pytest.fixture
def wheel(clone) -> Path:
    return wheel_of(clone)


def install(root: Path, *what) -> Path:
    """The command in a new environment; of this environment it has the packages that it needs."""
    venv.create(root, with_pip=False)
    (packages,) = root.glob('lib/*/site-packages')
    # At the end of the path: what is installed comes before.
    line = f'import sys; sys.path.append({sysconfig.get_path("purelib")!r})\n'
    (packages / 'others.pth').write_text(line)
    # That mmseg_dkd is installed there is nothing that pip should care for.
    pip('--python', root / 'bin/python', 'install', '--ignore-installed', *OFFLINE, *what)
    return root / 'bin' / mmseg_dkd.COMMAND


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


def test_sdist_makes_the_same_wheel(clone, wheel, tmp_path):
    # As a front end builds it.
    build = f'from setuptools.build_meta import build_sdist; build_sdist({str(tmp_path)!r})'
    subprocess.run([sys.executable, '-c', build], cwd=clone, check=True, capture_output=True)
    (sdist,) = tmp_path.glob('*.tar.gz')
    with tarfile.open(sdist) as archive:
        assert {Path(name).parts[1] for name in archive.getnames()[1:]}.isdisjoint({'tests', 'dev'})
    assert names_in(wheel_of(sdist)) == names_in(wheel)


def names_in(wheel: Path) -> list[str]:
    return sorted(zipfile.ZipFile(wheel).namelist())


def test_editable_install_links_to_the_clone(clone, tmp_path):
    command = install(tmp_path / 'env', '--editable', clone)
    folder = clone / 'mmseg_dkd/.mim'
    for name in ('configs', 'tools', 'model-index.yml'):
        assert (folder / name).is_symlink() and (folder / name).samefile(clone / name)
    (clone / 'configs/dkd/added.py').write_text('# Added later.\n')
    assert 'dkd/added' in run(command, tmp_path, 'configs').stdout


def test_command_works_in_an_empty_folder(wheel, tmp_path_factory, tmp_path):
    installed = install(tmp_path_factory.mktemp('env'), wheel)
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
