"""Distributed start on GPUs and, for tests and small machines, on CPUs."""

import atexit

import torch
import torch.distributed as dist
from mmengine.config import Config
from mmengine.dist import init_dist, is_distributed

CPU_FOR_GPU = {'SyncBN': 'BN'}


def launch(cfg: Config, launcher: str) -> None:
    """Join the process group, if there is one to join, and make the config fit the machine.

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
        # gloo's threads may hold tensors; freeing them while Python ends aborts a finished process
        # (github.com/pytorch/pytorch/pull/179291).
        atexit.register(dist.destroy_process_group)
    if launcher != 'none' and not on_gpu:
        cfg.model_wrapper_cfg = dict(type='MMDistributedDataParallel', device_ids=None)
        _rename_types(cfg.model)


def _rename_types(cfg: object) -> None:
    if isinstance(cfg, dict):
        cfg.update({k: CPU_FOR_GPU[v] for k, v in cfg.items() if k == 'type' and v in CPU_FOR_GPU})
        for value in cfg.values():
            _rename_types(value)
    elif isinstance(cfg, list | tuple):
        for item in cfg:
            _rename_types(item)
