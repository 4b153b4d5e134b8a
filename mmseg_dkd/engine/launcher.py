"""Distributed start on GPUs and, for tests and small machines, on CPUs."""

import atexit
import gc

import torch
import torch.distributed as dist
from mmengine.config import Config
from mmengine.dist import init_dist, is_distributed, is_main_process
from mmengine.runner import Runner

from ..utils.config_parts import sections

CPU_FOR_GPU = {'SyncBN': 'BN'}


def launch(cfg: Config, launcher: str) -> None:
    """Join the process group, if there is one to join, and make the config fit the machine.

    The group is left before Python ends.

    mmengine's launchers assume GPUs. Without any, the group is gloo's, the wrapper gets no device
    and SyncBN, which has no CPU version, becomes BN.

    Args:
        cfg: Changed in place.
        launcher: ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.
    """
    cfg.launcher = launcher
    on_gpu = torch.cuda.is_available()
    if launcher != 'none' and not is_distributed():
        if on_gpu:
            init_dist(launcher, **cfg.get('env_cfg', {}).get('dist_cfg', {}))
        else:
            dist.init_process_group('gloo')
        atexit.register(_leave)
    if launcher != 'none' and not on_gpu:
        cfg.model_wrapper_cfg = dict(type='MMDistributedDataParallel', device_ids=None)
        _rename_types(cfg.model)


def make_runner(cfg: Config) -> Runner:
    """mmengine's runner, of which the first process alone logs.

    mmengine's ``LoggerHook`` writes the scores of a test from every process into one file, where
    two texts of different length leave what is no JSON.

    Args:
        cfg: Changed in place in processes other than the first.
    """
    if not is_main_process():
        cfg.merge_from_dict(dict(default_hooks=dict(logger=None)))
    return Runner.from_cfg(cfg)


def _leave() -> None:
    # gloo's threads abort a finished process if they are still there while Python ends
    # (github.com/pytorch/pytorch/pull/179291). They end with the last reference to their group; a
    # runner, whose model has one, is a cycle.
    gc.collect()
    if dist.is_initialized():
        dist.destroy_process_group()


def _rename_types(cfg: object) -> None:
    for part in sections(cfg):
        part.update(
            {k: CPU_FOR_GPU[v] for k, v in part.items() if k == 'type' and v in CPU_FOR_GPU}
        )
