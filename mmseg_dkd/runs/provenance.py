"""Where a result comes from: software, revision, machine."""

import logging
import platform
import subprocess
from datetime import datetime, timezone
from functools import cache
from importlib import import_module
from importlib.metadata import packages_distributions
from pathlib import Path

import torch
from mmengine.dist import get_world_size
from mmengine.logging import print_log

PACKAGES = ('mmseg_dkd', 'torch', 'mmengine', 'mmseg', 'mmcv', 'numpy')
PACKAGE = Path(__file__).resolve().parents[1]


def provenance_of(config: str, recipe: str, fingerprint: str, seed: int) -> dict:
    """What results.json says of where the entry of a step comes from.

    Args:
        config: The config of all steps.
        recipe: Fingerprint of the step (:func:`mmseg_dkd.runs.recipe.recipe_of`).
        fingerprint: That of the scenario.
        seed: Of the training.

    Returns:
        Plain data: what is given; ``versions`` and ``distributions``; ``revision`` and ``dirty``
        (:func:`revision_of`); ``processes``; ``device`` of this process; ``date`` in UTC.
    """
    cuda = torch.cuda.is_available()
    return dict(
        config=config,
        recipe=recipe,
        scenario=fingerprint,
        seed=seed,
        processes=get_world_size(),
        device=torch.cuda.get_device_name() if cuda else f'CPU ({platform.machine()})',
        date=datetime.now(timezone.utc).isoformat(timespec='seconds'),
        **software(),
    )


def tell_other_processes(before: int | None) -> None:
    """Warn that a run goes on with another number of processes, which decides the batch.

    Args:
        before: How many there were when it was started last; None if that is not known.
    """
    now = get_world_size()
    if before not in (None, now):
        print_log(
            f'the run was started with {before} process(es) and goes on with {now}: a batch has '
            f'{now}/{before} of the images, and the result is that of neither. Go on with '
            f'{before}, or start it anew',
            logger='current',
            level=logging.WARNING,
        )


@cache
def software() -> dict:
    """Versions and distributions of what computes, and the revision of this package.

    Looked up once a process: what is changed on the disk later is not what runs.
    """
    names = packages_distributions()
    versions = {name: str(import_module(name).__version__) for name in PACKAGES}
    revision, dirty = revision_of(PACKAGE)
    return dict(
        versions=dict(versions, python=platform.python_version()),
        # A package without one lies on the path.
        distributions={name: next(iter(names.get(name, ())), None) for name in PACKAGES},
        revision=revision,
        dirty=dirty,
    )


def revision_of(package: Path) -> tuple[str | None, bool | None]:
    """Revision of the git repository that has a package, and whether any of its files is changed.

    Both are None without git, and where no repository has it, as in an environment that happens to
    lie in one.
    """

    def git(*words: str) -> str:
        command = ['git', '-C', str(package), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        git('ls-files', '--error-unmatch', '__init__.py')
        return git('rev-parse', 'HEAD'), bool(git('status', '--porcelain', '--untracked-files=no'))
    except (OSError, subprocess.CalledProcessError):
        return None, None
