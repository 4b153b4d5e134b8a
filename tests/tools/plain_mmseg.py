"""Stock mmseg on an exported model, where mmseg_dkd cannot be imported; run by test_export.py."""

import importlib.abc
import runpy
import sys

import numpy as np
import torch


class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] == 'mmseg_dkd':
            raise ImportError(f'{name} is blocked')


sys.meta_path.insert(0, Blocked())
config, weights, answers, stock_test, *images = sys.argv[1:]
# Before mmengine is there to allow more.
loaded = torch.load(weights, weights_only=True)

from mmseg.apis import MMSegInferencer, inference_model, init_model  # noqa: E402

model = init_model(config, weights, 'cpu')
results = [inference_model(model, image) for image in images]
inferencer = MMSegInferencer(config, weights, device='cpu')
inferred = inferencer(images, return_vis=True)
np.savez(
    answers,
    classes=model.dataset_meta['classes'],
    palette=model.dataset_meta['palette'],
    labels=[result.pred_sem_seg.data[0].numpy() for result in results],
    logits=[result.seg_logits.data.numpy() for result in results],
    inferred=inferred['predictions'],
    drawn=inferred['visualization'],
    drawn_palette=inferencer.visualizer.dataset_meta['palette'],
    meta=sorted(loaded['meta']),
    model=f'{type(model).__module__}.{type(model).__name__}',
)
sys.argv = [stock_test, config, weights, '--work-dir', f'{answers}_test']
runpy.run_path(stock_test, run_name='__main__')
sys.argv = [*sys.argv[:-1], f'{answers}_tta', '--tta']
runpy.run_path(stock_test, run_name='__main__')
assert not any(name.partition('.')[0] == 'mmseg_dkd' for name in sys.modules)
