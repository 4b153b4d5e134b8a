"""Saliency maps of the user: salient pixels without a label are unknown objects."""

from pathlib import Path

import mmcv
from mmcv.transforms import BaseTransform
from mmengine.dataset import ConcatDataset
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS, TRANSFORMS

from ...models.segmentor import segmentor_of
from .labels import SALIENT

REMEDY = (
    'Write one map an image, of the same name, by any detector of salient objects, or do without: '
    '--cfg-options model.decode_head.unknown=unlabelled train_dataloader.dataset.pipeline=None'
)


@TRANSFORMS.register_module()
class LoadSaliency(BaseTransform):
    """Marks salient pixels that have no label of the step: 0 becomes 254 in ``gt_seg_map``.

    It comes behind ``LoadAnnotations``, and before everything that moves pixels.

    Args:
        folder: Folder with one grey image for every training image, of the same name but for the
            extension, and of the same size.
        threshold: A pixel is salient if its value, of 0 to 255, is above it.

    Raises:
        FileNotFoundError: If the folder is not there.
    """

    def __init__(self, folder: str, threshold: int = 127) -> None:
        if not Path(folder).is_dir():
            raise FileNotFoundError(f'{folder}: no folder of saliency maps. {REMEDY}')
        self.folder = folder
        self.threshold = threshold
        self.maps = {path.stem: str(path) for path in Path(folder).iterdir()}

    def map_of(self, image: str) -> str:
        """Path of the map of an image.

        Raises:
            FileNotFoundError: If it has none.
        """
        stem = Path(image).stem
        if stem not in self.maps:
            raise FileNotFoundError(
                f'{image} has no saliency map {stem}.* in {self.folder}. {REMEDY}'
            )
        return self.maps[stem]

    def transform(self, results: dict) -> dict:
        """Mark ``gt_seg_map``, uint8 ``[H, W]``.

        Raises:
            ValueError: If the map is of another size.
        """
        path, label = self.map_of(results['img_path']), results['gt_seg_map']
        saliency = mmcv.imread(path, flag='grayscale', backend='pillow')
        if saliency.shape != label.shape:
            raise ValueError(
                f'{path} is {saliency.shape}, but the labels of {results["img_path"]} are '
                f'{label.shape}: resize the map, and let LoadSaliency follow LoadAnnotations'
            )
        label[(label == 0) & (saliency > self.threshold)] = SALIENT
        return results


@HOOKS.register_module()
class SaliencyHook(Hook):
    """Before training, tells what is missing for a head whose unknown pixels are the salient ones.

    Raises:
        ValueError: If a pipeline has no :class:`LoadSaliency`.
        FileNotFoundError: If a training image, of whatever step, has no map.
    """

    def before_train(self, runner: Runner) -> None:
        """Look at every image of the data set."""
        model = segmentor_of(runner)
        if model.decode_head.unknown != 'salient':
            return
        dataset = runner.train_dataloader.dataset.dataset
        for part in dataset.datasets if isinstance(dataset, ConcatDataset) else [dataset]:
            loaders = [t for t in part.pipeline.transforms if isinstance(t, LoadSaliency)]
            if not loaders:
                raise ValueError(
                    "decode_head.unknown='salient', but the pipeline of the training data has no "
                    "dict(type='LoadSaliency', folder=...) behind its LoadAnnotations: add it, or "
                    "set unknown='unlabelled'"
                )
            for index in range(len(part)):
                loaders[0].map_of(part.get_data_info(index)['img_path'])
