"""Weights by their address: every scheme of mmengine ends in the reader that runs no code."""

from collections import OrderedDict
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch
from mmengine.dist import barrier, is_main_process
from mmengine.runner import CheckpointLoader
from mmengine.runner.checkpoint import (
    get_deprecated_model_names,
    get_external_models,
    get_mmcls_models,
    get_torchvision_models,
)

from ...utils import checkpoint_types

HTTP = ('http://', 'https://')
ZOOS = {
    'torchvision': get_torchvision_models,
    'modelzoo': get_torchvision_models,
    'open-mmlab': get_external_models,
    'openmmlab': get_external_models,
    'mmcls': get_mmcls_models,
}
# As mmengine writes its prefixes, which are patterns.
STORES = (r'(\S+\:)?s3://', r'(\S+\:)?petrel://', 'pavi://')


def read_safely() -> None:
    """Let mmengine's ``CheckpointLoader`` read whatever it is given by :mod:`.checkpoint_types`.

    Its own loaders run what a file says where torch's safe one refuses it.
    """
    loaders = {'': _local, HTTP: _zoo, tuple(f'{zoo}://' for zoo in ZOOS): _zoo, STORES: _store}
    for prefixes, loader in loaders.items():
        CheckpointLoader.register_scheme(prefixes=prefixes, loader=loader, force=True)


def url_of(name: str) -> str:
    """The address that a name of mmengine's model zoos, such as ``torchvision://resnet101``, stands
    for; another name is its own.

    Raises:
        ValueError: If the zoo has no such weights, or torchvision is not installed.
    """
    zoo, _, model = name.partition('://')
    if zoo not in ZOOS:
        return name
    try:
        urls = ZOOS[zoo]()
    except ImportError as error:
        raise ValueError(f'{name} needs torchvision: pip install torchvision') from error
    if ZOOS[zoo] is get_external_models:
        model = get_deprecated_model_names().get(model, model)
    if model not in urls:
        raise ValueError(f'{name}: mmengine knows no such weights')
    return urls[model]


def cached(url: str) -> Path:
    """Where torch hub keeps, or would keep, what it downloads from an address."""
    return Path(torch.hub.get_dir(), 'checkpoints', Path(urlparse(url).path).name)


def fetch(url: str) -> Path:
    """The file of an address, downloaded by the first process unless it is there.

    Raises:
        ValueError: If the address is none of the web.
    """
    if not url.startswith(HTTP):
        raise ValueError(f'{url} is no address of the web: download it, and give the file')
    file = cached(url)
    if is_main_process():
        _download(url, file)
    barrier()
    # Other machines may have a cache of their own.
    _download(url, file)
    return file


def _download(url: str, file: Path) -> None:
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(file), progress=False)


def _local(filename: str, map_location: Any = None) -> Any:
    return checkpoint_types.load(Path(filename).expanduser(), map_location)


def _zoo(filename: str, map_location: Any = None) -> Any:
    checkpoint = checkpoint_types.load(fetch(url_of(filename)), map_location)
    if not filename.startswith('mmcls://'):
        return checkpoint
    # Of a classifier, mmengine takes the backbone.
    state = checkpoint.get('state_dict', checkpoint)
    own = {k: v for k, v in state.items() if k.startswith('backbone.')}
    return dict(state_dict=OrderedDict((k.removeprefix('backbone.'), v) for k, v in own.items()))


def _store(filename: str, map_location: Any = None) -> Any:
    raise ValueError(f'{filename} cannot be read safely: download it, and give the file')
