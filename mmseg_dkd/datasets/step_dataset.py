"""The images and labels that a step may see, from any mmseg dataset."""

import copy
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.dataset import BaseDataset, Compose, ConcatDataset
from mmseg.registry import DATASETS, TRANSFORMS

from ..labels import (
    NUM_VALUES,
    UNKNOWN,
    VOID,
    check_names,
    class_ids_of_labels,
    label_of,
    mask_values,
    num_labels,
)
from ..scenario import Scenario
from ..utils.randomness import Draw, seeded
from .memory import ADDED
from .parts import build, check_labels, check_paths, parts_of, relabelled
from .presence import FOLDER, class_presence
from .reading import read_mask
from .recalled import Recalled, masks_of_two_meanings, recall


@DATASETS.register_module()
class StepDataset:
    """A data set as one step of a scenario sees it.

    Classes are renumbered 1, 2, ... in the order of learning. The class names and the palette in
    ``metainfo`` follow, so heads, metrics and visualisers need not know the order. Class id c of
    the scenario is label c in a data set with background. Without background (ADE20K with
    ``reduce_zero_label``) it is label c - 1, and void pixels are "unlabelled".

    In training, :meth:`.Scenario.select` gives the images. Every label outside of the step's
    classes is unknown (0), and void is 255. In testing, :meth:`.Scenario.select_test` gives the
    images. Classes of later steps are background (0), or void where the data set has no background
    (the convention of the paper). So are those that the scenario leaves out, at every step. Where
    the scenario ignores unlabelled pixels, they are void in testing, too.

    An image of a :class:`.LabelledFolder` with ``from_step`` is there from that step on.

    In an image with ``labelled_for``, nobody looked for some classes.
    The meta of its sample has, as ``labelled_for``, the labels of those that somebody looked for,
    and a pixel of 0 shows none of these.

    Args:
        dataset: Config of any mmseg dataset, or of a ``ConcatDataset`` of such, with a
            ``LoadAnnotations`` in its pipeline.
        pipeline: Replaces the pipeline of that dataset, or of all in the ``ConcatDataset``. mmseg's
            tools read and set it here.
        scenario: Arguments of :class:`.Scenario`.
        step: The step; the last one if omitted.
        test_mode: Whether to test rather than to train.
        presence_dir: Folder of the class presence cache; ``.mmseg_dkd`` in the data set's
            ``data_root`` if omitted.
        memory: ``file``: memory of the step (:mod:`mmseg_dkd.datasets.memory`). ``share`` and
            ``labels``: as :func:`.memory_options` has them; a share of 1 shows the memory alone.
            Images of the memory are told by ``labelled_steps`` in the meta of their samples: the
            earlier steps whose classes are labelled in them.
        part: ``'held'``: a fifth of the images, by a hash of their names, the same on every
            machine; ``'fit'``: the others; all if None. For choosing hyper-parameters on training
            images (paper, 4.1).
        limit: Only the first so many images of the step; all if None. A rehearsal needs no more.
        every_image: Take all images of the data set, also those without a class of the step.

    Raises:
        FileNotFoundError: If an image folder or list is not there.
        ValueError: If the classes of the data set and the scenario differ in number, a class name
            cannot be one (:func:`.check_names`), the data set is a wrapper (:func:`.parts_of`) or
            numbers its labels otherwise (:func:`.check_labels`), a mask is unusable
            (:func:`.class_presence`), the step selects no image, or the memory is not of this step
            and data set.
    """

    def __init__(
        self,
        dataset: dict,
        scenario: dict,
        step: int | None = None,
        test_mode: bool = False,
        presence_dir: str | None = None,
        memory: dict | None = None,
        part: str | None = None,
        pipeline: list[dict] | None = None,
        limit: int | None = None,
        every_image: bool = False,
    ) -> None:
        self.scenario = Scenario(**scenario)
        self.step = self.scenario.check_step(step)
        self.test_mode = test_mode
        if part not in (None, 'fit', 'held'):
            raise ValueError(f"part must be 'fit', 'held' or None, got {part!r}")
        dataset = copy.deepcopy(dataset)
        if pipeline is not None:
            for each in parts_of(dataset):
                each['pipeline'] = copy.deepcopy(pipeline)
        dataset, loaders = relabelled(dataset, self._table(self._kept()))
        check_paths(dataset)
        self.dataset = build(dataset)
        self._metainfo = self._renamed(self.dataset.metainfo)
        for each, loader in zip(self.parts, loaders, strict=True):
            check_labels(each, loader['load_annotations'], self.scenario.has_background)
        first = self.parts[0]
        folder = presence_dir or Path(first.data_root or '.') / FOLDER
        infos = [self.dataset.get_data_info(i) for i in range(len(self.dataset))]
        root = first.data_root or '.'
        self._files = [
            (os.path.relpath(info['img_path'], root), os.path.relpath(info['seg_map_path'], root))
            for info in infos
        ]
        ends = self.dataset.cumulative_sizes if self._is_concat() else [len(infos)]
        self.presence = np.concatenate(
            [
                class_presence(
                    infos[start:end],
                    class_id_of=class_ids_of_labels(self.scenario),
                    num_classes=self.scenario.num_classes,
                    cache_dir=folder,
                    **how,
                )
                for start, end, how in zip([0, *ends[:-1]], ends, loaders, strict=True)
            ]
        )
        self.from_steps = np.array([info.get('from_step', 0) for info in infos])
        select = self.scenario.select_test if test_mode else self.scenario.select
        self.part = part
        selected = select(self.presence, self.step)
        if every_image:
            selected = np.arange(len(self.presence))
        selected = selected[self.from_steps[selected] <= self.step]
        self.indices = self._of_part(selected)
        if len(selected) > 0 and len(self.indices) == 0:
            raise ValueError(
                f'step {self.step} of {self.scenario} selects {len(selected)} images, but none of '
                f'them is in part {part!r}: use lists of images (ann_file) instead of part'
            )
        if len(selected) == 0:
            raise ValueError(self._nothing(infos, loaders))
        self.indices = self.indices[:limit]
        named = [info.get('labelled_for') for info in infos]
        labels = {value: self._labels(value) for value in set(named)}
        self._looked_for = [labels[value] for value in named]
        self._partly_table = self._table(self._kept(), partly=True)
        self.memory_share = (memory or {}).get('share', ADDED)
        self.memory = recall(memory, self.scenario, self.step, self._files, self._table)

    def _nothing(self, infos: list[dict], loaders: list[dict]) -> str:
        """That the step selects no image, and what is in a mask that might have been one of it."""
        names = self.metainfo['classes'][1:]
        names = names if self.test_mode else names[-len(self.scenario.new(self.step)) :]
        alone = not self.test_mode and self.scenario.setting == 'disjoint'
        ids = np.isin(class_ids_of_labels(self.scenario), self._kept())
        asked = [
            info
            for info in infos
            if info.get('label_map') is None or ids[list(info['label_map'].values())].any()
        ]
        text = (
            f'step {self.step} of {self.scenario} selects none of {len(infos)} images: none '
            f'shows {", ".join(names)}{" without a later class" * alone}'
        )
        if not asked:
            return f'{text}, and no folder has one of them in its labels'
        loader = TRANSFORMS.build(loaders[0]['load_annotations'])
        values = np.unique(read_mask(asked[0], loader)).tolist()
        return f'{text}. The mask {asked[0]["seg_map_path"]}, for one, holds the values {values}'

    def _of_part(self, indices: np.ndarray) -> np.ndarray:
        if self.part is None:
            return indices
        held = np.array([_is_held(self._files[index][0]) for index in indices], bool)
        return indices[held == (self.part == 'held')]

    def _is_concat(self) -> bool:
        return isinstance(self.dataset, ConcatDataset)

    def _kept(self) -> tuple[int, ...]:
        """Ids of the classes that have a label."""
        scenario, step = self.scenario, self.step
        return scenario.seen(step) if self.test_mode else scenario.new(step)

    def _table(self, kept: Sequence[int], partly: bool = False) -> np.ndarray:
        """``[256]``: what each label of the data set becomes if those of some classes are kept."""
        scenario, step = self.scenario, self.step
        becomes = np.full(NUM_VALUES, UNKNOWN)
        becomes[VOID] = VOID
        for class_id in kept:
            becomes[class_id] = label_of(scenario, class_id, step)
        if self.test_mode and not scenario.has_background and not partly:
            becomes[[*scenario.future(step), *scenario.left_out]] = VOID
            if not scenario.zero_counts:
                becomes[UNKNOWN] = VOID
        ids = class_ids_of_labels(self.scenario)
        # Labels that no class has stay what they are: the presence index has refused them.
        return np.where(ids < 0, np.arange(NUM_VALUES), becomes[ids])

    def _labels(self, looked_for: tuple[int, ...] | None) -> tuple[int, ...] | None:
        """Labels, as the step sees them, that somebody looked for in an image; None if in all that
        the step labels."""
        if looked_for is None:
            return None
        ids, kept = class_ids_of_labels(self.scenario)[list(looked_for)], self._kept()
        labels = tuple(label_of(self.scenario, c, self.step) for c in kept if c in ids)
        return None if len(labels) == len(kept) else labels

    @property
    def partly_labelled(self) -> bool:
        """Whether nobody looked for some class of the step in one of its images."""
        rows = [*self.indices, *(image.row for image in self.memory)]
        return any(self._looked_for[row] is not None for row in rows)

    def _renamed(self, metainfo: dict) -> dict:
        scenario = self.scenario
        names, palette = list(metainfo.get('classes') or ()), list(map(list, metainfo['palette']))
        expected = num_labels(scenario)
        if len(names) != expected:
            raise ValueError(
                f'{type(self.dataset).__name__} has {len(names)} classes, but {scenario} needs '
                f'{expected}{", background included" if scenario.has_background else ""}'
            )
        if not scenario.has_background:
            names, palette = ['unlabelled', *names], [[0, 0, 0], *palette]
        check_names(names)
        ids = (0, *scenario.seen(self.step))
        return dict(
            metainfo,
            classes=tuple(names[i] for i in ids),
            palette=[palette[i] for i in ids],
            base=[label_of(scenario, c, self.step) for c in scenario.new(0)],
            mask_values=mask_values(
                scenario, self.step, bool(metainfo.get('reduce_zero_label', False))
            ),
            label_map=None,
            reduce_zero_label=False,
        )

    @property
    def names(self) -> list[str]:
        """Path of every image of the step, below the ``data_root``."""
        return [image for image, _ in self.files]

    @property
    def files(self) -> list[tuple[str, str]]:
        """Paths of image and mask of every image of the step, below the ``data_root``."""
        return [self._files[index] for index in self.indices]

    @property
    def parts(self) -> list[BaseDataset]:
        """The data set that it wraps, or those of a ``ConcatDataset``."""
        return self.dataset.datasets if self._is_concat() else [self.dataset]

    @property
    def places(self) -> list[tuple[str, str]]:
        """Absolute paths of image and mask of every image of the step."""
        root = self.parts[0].data_root or '.'
        return [
            (os.path.abspath(os.path.join(root, image)), os.path.abspath(os.path.join(root, mask)))
            for image, mask in self.files
        ]

    @property
    def images_per_class(self) -> dict[str, int]:
        """How many images of the step show each class that has a label in them, by its name."""
        kept = list(self._kept())
        counts = self.presence[self.indices][:, kept].sum(axis=0).tolist()
        return dict(zip(self._metainfo['classes'][-len(kept) :], counts, strict=True))

    @property
    def metainfo(self) -> dict:
        """The data set's, with the seen classes in the order of learning, background first.

        ``mask_values`` turns labels back into the data set's (:func:`.mask_values`).
        """
        return copy.deepcopy(self._metainfo)

    def problems_of_replay(self) -> list[str]:
        """What keeps a replay memory from being drawn of it, in words."""
        infos = [self.dataset.get_data_info(index) for index in range(len(self.dataset))]
        return masks_of_two_meanings(self._files, infos)

    def without_replay(self) -> 'StepDataset':
        """This data set, from now on with the images of the step alone."""
        self.memory = []
        return self

    def full_init(self) -> None:
        """The wrapped data set is loaded at once."""

    def get_data_info(self, idx: int) -> dict:
        """Paths and meta information of the idx-th image; those that the memory adds are last."""
        own = len(self.indices)
        row = self.indices[idx] if idx < own else self.memory[idx - own].row
        return self.dataset.get_data_info(int(row))

    def __len__(self) -> int:
        return len(self.indices) + (len(self.memory) if self.memory_share == ADDED else 0)

    def __getitem__(self, idx: int) -> dict:
        try:
            if not isinstance(idx, Draw):
                return self._sample(idx)
            with seeded(*idx.key):
                return self._sample(int(idx))
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f'{error.filename} was there when training began: bring the data set back, then '
                'go on with --resume'
            ) from error

    def _sample(self, idx: int) -> dict:
        """The idx-th image, or one of the replay memory in its place."""
        own = len(self.indices)
        if self.memory_share == ADDED:
            if idx >= own:
                return self._recalled(self.memory[idx - own])
        elif self.memory and np.random.random() < self.memory_share:
            return self._recalled(self.memory[np.random.randint(len(self.memory))])
        row = int(self.indices[idx])
        if self._looked_for[row] is None:
            return self.dataset[row]
        return self._made(row, self._partly_table, dict(labelled_for=self._looked_for[row]))

    def _recalled(self, image: Recalled) -> dict:
        meta = dict(labelled_steps=image.steps)
        if (labels := self._looked_for[image.row]) is not None:
            meta['labelled_for'] = labels
        return self._made(image.row, image.table, meta)

    def _made(self, row: int, table: np.ndarray, meta: dict) -> dict:
        info = dict(self.dataset.get_data_info(row), label_table=table)
        sample = self._pipeline_of(row)(info)
        samples = sample['data_samples']
        # Test-time augmentation makes several of an image.
        for each in samples if isinstance(samples, list) else [samples]:
            each.set_metainfo(meta)
        return sample

    def _pipeline_of(self, index: int) -> Compose:
        if not self._is_concat():
            return self.dataset.pipeline
        part = np.searchsorted(self.dataset.cumulative_sizes, index, side='right')
        return self.dataset.datasets[part].pipeline


def _is_held(path: str) -> bool:
    return int(hashlib.sha256(Path(path).stem.encode()).hexdigest(), 16) % 5 == 0
