"""Write the demo set, which the package carries, and the pretrained backbone of its configs.

    mmseg-dkd prepare-demo

Into the current folder: data/fashion in the layout of VOC, data/fashion_web with photographs as a
search would find them (for RECALL), and pretrained/mobilenet_v2.pth.
"""

import argparse
from pathlib import Path

from .backbone import save_weights


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument('--root', type=Path, default=Path('data/fashion'))
    parser.add_argument('--weights', type=Path, default=Path('pretrained/mobilenet_v2.pth'))


def run(args: argparse.Namespace) -> None:
    """Write what is not there yet."""
    from ...datasets.demo.retrieved import write_fashion_web
    from ...datasets.demo.scenes import write_fashion_voc

    web = args.root.with_name(f'{args.root.name}_web')
    for root, write in ((args.root, write_fashion_voc), (web, write_fashion_web)):
        print(f'{root}: {"written" if write(root) else "already complete"}')
    save_weights('mobilenet_v2', args.weights)
