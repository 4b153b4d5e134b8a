"""Programs of this repository in processes of their own, which need not import torch and mmseg.

That a program imports all that it needs does not show in them: that takes a new Python.
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

import torch.distributed as dist
from torch.distributed.elastic.utils.distributed import get_free_port
from torch.multiprocessing import start_processes

from tests.tiny import REPOSITORY


def forked(program: str | Path, *arguments) -> subprocess.CompletedProcess:
    """What ``python PROGRAM ARGUMENTS`` in the repository would do, and print."""
    words = [str(word) for word in (program, *arguments)]
    with tempfile.TemporaryFile('w+') as out, tempfile.TemporaryFile('w+') as err:
        process = multiprocessing.get_context('fork').Process(target=_print, args=(words, out, err))
        process.start()
        process.join()
        for file in (out, err):
            file.seek(0)
        return subprocess.CompletedProcess(words, process.exitcode, out.read(), err.read())


def forked_together(program: str | Path, *arguments, processes: int = 2) -> None:
    """Run it in a group of processes, as torch's launcher does; an error of one ends all."""
    words = [str(word) for word in (program, *arguments)]
    group = dict(WORLD_SIZE=processes, MASTER_ADDR='127.0.0.1', MASTER_PORT=get_free_port())
    start_processes(_join, (words, group), nprocs=processes, start_method='fork')


def _print(words: list[str], out: IO[str], err: IO[str]) -> None:
    for own, file in ((1, out), (2, err)):
        os.dup2(file.fileno(), own)
    sys.stdout, sys.stderr = os.fdopen(1, 'w'), os.fdopen(2, 'w')
    _run(words)


def _join(rank: int, words: list[str], group: dict) -> None:
    place = dict(group, RANK=rank, LOCAL_RANK=rank)
    os.environ.update({key: str(value) for key, value in place.items()})
    try:
        _run(words)
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def _run(words: list[str]) -> None:
    os.chdir(REPOSITORY)
    sys.argv = words
    runpy.run_path(words[0], run_name='__main__')
