"""Where mmengine gets checkpoints from: each address leads to the safe reader, or is refused."""

import io
import re
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch
from mmengine.dist import barrier, is_main_process
from mmengine.fileio import get_file_backend
from mmengine.logging import print_log
from mmengine.runner import CheckpointLoader
from mmengine.runner.checkpoint import (
    get_deprecated_model_names,
    get_external_models,
    get_mmcls_models,
    get_torchvision_models,
)

from . import checkpoint_types

ZOOS = {
    'torchvision': get_torchvision_models,
    'modelzoo': get_torchvision_models,
    'open-mmlab': get_external_models,
    'openmmlab': get_external_models,
    'mmcls': get_mmcls_models,
}
# As mmengine writes them: expressions that an address begins with.
CEPH = (r'(\S+\:)?s3://', r'(\S+\:)?petrel://')
PREFIXES = ('', 'http://', 'https://', 'pavi://', *CEPH, *(f'{zoo}://' for zoo in ZOOS))


def register() -> None:
    """Let mmengine read checkpoints by :func:`load_from_safe_reader` only, in the whole process.

    Its own loaders run what a file says where torch's safe loader refuses it, and those of
    addresses in any case.
    """
    CheckpointLoader.register_scheme(PREFIXES, load_from_safe_reader, force=True)


# mmengine logs the name from its eleventh letter on.
def load_from_safe_reader(filename: str, map_location: Any = None) -> Any:
    """Read a checkpoint from a path or an address, without ever running code of the file.

    Args:
        filename: The path or address.
        map_location: As of ``torch.load``.

    Returns:
        What is in the file, but for the config; of ``mmcls://`` the backbone.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If nothing can be read at the address, or what is there cannot be trusted
            (:func:`mmseg_dkd.utils.checkpoint_types.load`).
    """
    source = _source(filename)
    named = filename
    if isinstance(source, Path):
        named = f'{source}, from {filename},' if '://' in filename else str(source)
    checkpoint = checkpoint_types.read(source, named, map_location)
    if not isinstance(checkpoint, dict):
        return checkpoint
    if filename.startswith('mmcls://'):
        state, start = checkpoint.get('state_dict', checkpoint), 'backbone.'
        state = {k.removeprefix(start): v for k, v in state.items() if k.startswith(start)}
        return dict(state_dict=state)
    _drop_configs(checkpoint)
    return checkpoint


def _drop_configs(checkpoint: dict) -> None:
    """Take out the texts of configs, which are code.

    mmengine runs ``config`` on resuming, and ``cfg`` in an inferencer that is given no config.
    """
    meta, hub = checkpoint.get('meta'), checkpoint.get('message_hub')
    info = hub.get('runtime_info') if isinstance(hub, dict) else None
    for part in (meta, info):
        if isinstance(part, dict):
            part.pop('config', None)
            part.pop('cfg', None)


def address(name: str) -> str:
    """The URL of a name of mmengine's model zoos; other URLs as they are.

    Raises:
        ValueError: If the zoo has no such weights, or is torchvision's, which is not installed; or
            if nothing is read from such an address.
    """
    zoo, _, model = name.partition('://')
    url = name
    if zoo in ZOOS:
        try:
            urls = ZOOS[zoo]()
        except ImportError as error:
            raise ValueError(f'{name} needs torchvision: pip install torchvision') from error
        if ZOOS[zoo] is get_external_models:
            model = get_deprecated_model_names().get(model, model)
        if model not in urls:
            raise ValueError(f'{name}: mmengine knows no such weights')
        url = urls[model]
    if not url.startswith(('http://', 'https://')) and not in_ceph(url):
        raise ValueError(
            f'{name}: checkpoints are read from files, http, https, s3, petrel, {", ".join(ZOOS)}, '
            f'but not from {url}'
        )
    return url


def in_ceph(url: str) -> bool:
    """Whether mmengine's petrel client gets it."""
    return any(re.match(prefix, url) for prefix in CEPH)


def cached(url: str) -> Path:
    """Where torch hub keeps the file of a URL."""
    return Path(torch.hub.get_dir(), 'checkpoints', Path(urlparse(url).path).name)


def _source(name: str) -> Path | io.BytesIO:
    if '://' not in name:
        return Path(name).expanduser()
    url = address(name)
    if in_ceph(url):
        return io.BytesIO(get_file_backend(url, backend_args=dict(backend='petrel')).get(url))
    path = cached(url)
    try:
        if is_main_process():
            _download(url, path)
    finally:
        # Where it failed, the others fail as well; they must not wait.
        barrier()
    # On another machine there is none yet.
    _download(url, path)
    return path


def _download(url: str, path: Path) -> None:
    if path.is_file():
        return
    print_log(f'downloading {url} to {path}', logger='current')
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        torch.hub.download_url_to_file(url, str(path), progress=False)
    except (OSError, HTTPException) as error:
        raise ValueError(f'{url} cannot be downloaded to {path}: {error}') from error
