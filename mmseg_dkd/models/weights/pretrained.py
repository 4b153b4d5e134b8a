"""Whether pretrained weights can be had, and are of this backbone, before anything is trained."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from http.client import HTTPException
from pathlib import Path
from threading import Thread
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import torch
from mmengine.config import ConfigDict
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import nn

from ...utils import checkpoint_sources, checkpoint_types

PATIENCE = 5
OF_BACKBONE = re.compile(r'model\.(backbone\.)?(pretrained|init_cfg(\.\d+)?\.checkpoint)')


def problems(model_cfg: ConfigDict) -> list[str]:
    """What is wrong, in words, with the pretrained weights that a model's config names.

    A file must be there; a URL, or a name of mmengine's model zoos, must be in torch hub's cache or
    answer within 5 s. What is there must hold every parameter of the backbone in its shape, since
    mmengine would leave out what does not fit and train from noise. Nothing is downloaded.

    Not compared are weights of other parts than the backbone, and those of backbones that load by
    rules of their own, such as Swin and ViT. Addresses of s3 and petrel are not looked at.

    Args:
        model_cfg: ``model`` of a config, not yet built: building changes it.

    Raises:
        TypeError, ValueError: If the backbone cannot be built.
    """
    named = list(_named(model_cfg, 'model'))
    if not named:
        return []
    backbone = _plain_backbone(model_cfg.backbone)
    wrong, ask = [], cache(unreachable)
    for key, name, prefix in named:
        try:
            path = _find(name, ask)
            if path is not None and backbone is not None and OF_BACKBONE.fullmatch(key):
                prefix = 'backbone' if name.startswith('mmcls://') else prefix
                _compare(_read(path, prefix, key.startswith('model.init_cfg')), backbone, path)
        except ValueError as error:
            wrong.append(f'{error}; give a local file that fits by --cfg-options {key}=PATH')
    return wrong


def unreachable(url: str) -> str:
    """Why a URL gives no file, or ``''`` if it does; an answer takes 5 s at most."""
    answers = []

    def ask() -> None:
        # torch's own name: some servers turn urllib's away.
        request = Request(url, method='HEAD', headers={'User-Agent': 'torch.hub'})
        try:
            with urlopen(request, timeout=PATIENCE):
                answers.append('')
        except HTTPError as error:
            # Not every server that gives a file answers HEAD.
            answers.append('' if error.code in (405, 501) else str(error))
        except (OSError, HTTPException) as error:
            answers.append(str(error))

    # The time-out of urlopen does not count the look-up of the server's name.
    asking = Thread(target=ask, daemon=True)
    asking.start()
    asking.join(PATIENCE)
    return answers[0] if answers else f'no answer within {PATIENCE} s'


def _named(cfg: object, key: str) -> Iterator[tuple[str, str, str | None]]:
    """Config key, file or address, and prefix, of all pretrained weights."""
    if isinstance(cfg, list | tuple):
        for index, item in enumerate(cfg):
            yield from _named(item, f'{key}.{index}')
    elif isinstance(cfg, dict):
        name = 'checkpoint' if cfg.get('type') == 'Pretrained' else 'pretrained'
        if isinstance(cfg.get(name), str):
            yield f'{key}.{name}', cfg[name], cfg.get('prefix')
        for part, value in cfg.items():
            yield from _named(value, f'{key}.{part}')


def _find(name: str, ask: Callable[[str], str]) -> Path | None:
    """The file, None if it is still to be downloaded or nothing can be said."""
    if '://' not in name:
        path = Path(name).expanduser()
        if not path.is_file():
            raise ValueError(
                f'{name}: no such file of pretrained weights (mmseg-dkd prepare-backbone writes '
                'those in pretrained/)'
            )
        return path
    url = checkpoint_sources.address(name)
    if checkpoint_sources.in_ceph(url):
        return None
    cached = checkpoint_sources.cached(url)
    if cached.is_file():
        return cached
    if why := ask(url):
        alias = '' if url == name else f', {url},'
        raise ValueError(f'{name}{alias} cannot be downloaded ({why}) and is not at {cached}')
    return None


def _plain_backbone(cfg: ConfigDict) -> nn.Module | None:
    """The backbone, without memory, if it leaves the loading to mmengine."""
    kind = MODELS.get(cfg.type) if isinstance(cfg.type, str) else cfg.type
    if getattr(kind, 'init_weights', None) is not BaseModule.init_weights:
        return None
    with torch.device('meta'):
        return MODELS.build(cfg)


def _read(path: Path, prefix: str | None, of_segmentor: bool) -> dict:
    """The part of a file that mmengine's ``PretrainedInit`` loads into the backbone."""
    checkpoint = checkpoint_types.load(path)
    state = checkpoint.get('state_dict', checkpoint) if isinstance(checkpoint, dict) else None
    if not isinstance(state, dict):
        raise ValueError(f'{path} holds no weights but a {type(checkpoint).__name__}')
    if prefix is None:
        state = {re.sub(r'^module\.', '', name): tensor for name, tensor in state.items()}
    else:
        state = _below(state, prefix)
    return _below(state, 'backbone') if of_segmentor else state


def _below(state: dict, prefix: str) -> dict:
    prefix = prefix.rstrip('.') + '.'
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


def _compare(state: dict, backbone: nn.Module, path: Path) -> None:
    wrong = []
    for name, tensor in backbone.state_dict().items():
        # Files from before torch 0.4.1 lack this count, which nothing here uses.
        if name.endswith('num_batches_tracked'):
            continue
        found = getattr(state.get(name), 'shape', None)
        if found is None:
            wrong.append(f'{name}: missing')
        elif found != tensor.shape:
            wrong.append(f'{name}: {tuple(found)} instead of {tuple(tensor.shape)}')
    if not wrong:
        return
    hint = ''
    if any(name.startswith('backbone.') for name in state):
        hint = "; it is of a whole segmentor, which needs prefix='backbone' in the init_cfg"
    raise ValueError(
        f'{path} does not fit {type(backbone).__name__} in {len(wrong)} tensors: '
        f'{", ".join(wrong[:5])}{", ..." * (len(wrong) > 5)}{hint}'
    )
