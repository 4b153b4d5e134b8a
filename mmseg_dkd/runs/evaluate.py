"""Scores of finished steps, from confusion matrices that are computed once and kept."""

import copy
from functools import partial
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS

from ..datasets.pipelines import pipeline_of
from ..datasets.presence import NO_ARCHIVE
from ..engine.launcher import make_runner
from ..evaluation.conventions import conventions_of, scores
from ..evaluation.scores import SCORES
from ..labels import label_of
from ..scenario import Scenario
from ..utils.atomic import write_atomically
from ..utils.file_state import state_of
from ..utils.json_file import COUNT, PERCENT, TEXT, read_json
from .recipe import INDIFFERENT, digest, without

VIEWS = ('centre', 'whole')
EVALUATION = 'evaluation.json'
ROW = {
    'step': COUNT,
    **dict.fromkeys(('checkpoint', 'convention', 'view'), TEXT),
    **dict.fromkeys(SCORES, PERCENT),
}
FORMAT = 2
# Parts of a config that decide what a test counts.
DECISIVE = ('model', 'model_wrapper_cfg', 'test_dataloader', 'test_cfg', 'custom_hooks')


def read_evaluation(work_dir: Path) -> list[dict]:
    """The rows of a run's evaluation.json (:func:`scores_of`); none where there is no file yet.

    Raises:
        ValueError: If the file is damaged; it names file, key and remedy.
    """
    remedy = 'remove it and run mmseg-dkd evaluate again'
    return read_json(work_dir / EVALUATION, [], [ROW], remedy)


def scores_of(cfg: Config, checkpoint: Path, views: list[str]) -> list[dict]:
    """What each convention makes of a step's checkpoint.

    Args:
        cfg: The step's own config.
        checkpoint: See :func:`confusion_of`.
        views: Of ``VIEWS``.

    Returns:
        A row for every view and convention: what it counts, and ``miou_base``, ``miou_novel``,
        ``miou_all``, ``hiou`` in percent; none on all processes but the first.

    Raises:
        ValueError: If there is no such view; as :func:`confusion_of`.
    """
    if wrong := [view for view in views if view not in VIEWS]:
        raise ValueError(f'there is no view {", ".join(wrong)}: name some of {", ".join(VIEWS)}')
    scenario = Scenario(**cfg.scenario)
    ids = [0, *scenario.seen(cfg.step)]
    rows = []
    for view in views:
        confusion = confusion_of(cfg, checkpoint, view)
        if confusion is None:
            continue
        for convention in conventions_of(scenario.has_background):
            names = [f'class {class_id}' for class_id in ids]
            base = [label_of(scenario, c, cfg.step) for c in scenario.new(0)]
            found = scores(confusion, convention, names, base)
            rows.append(
                dict(
                    step=cfg.step,
                    checkpoint=str(checkpoint),
                    convention=convention.name,
                    view=view,
                    future=convention.future,
                    images='all' if convention.all_images else 'with a seen class',
                    class_0='in' if convention.with_zero else 'out',
                    **found,
                )
            )
    return rows


def confusion_of(cfg: Config, checkpoint: Path, view: str) -> np.ndarray | None:
    """Confusion matrix of a step, from the file beside its checkpoint or from a test.

    The file is ``confusion_<view>_<checkpoint>.npz``. It is made anew when the checkpoint, a file
    of the data set, or anything in the config that decides the test is another one.

    Args:
        cfg: The step's own config, with ``scenario`` and ``step`` at the top level.
        checkpoint: The step's last checkpoint, or any earlier one of it.
        view: ``'whole'``: images as the config tests them; ``'centre'``: the short side resized to
            the network's input and the centre cut out, as in the papers.

    Returns:
        int64 ``[2, 1 + classes, 1 + seen]`` as :func:`mmseg_dkd.evaluation.conventions.scores`
        takes it; None on all processes but the first.

    Raises:
        ValueError: If the checkpoint is not of this step, or no centre can be cut out.
    """
    path = checkpoint.with_name(f'confusion_{view}_{checkpoint.stem}.npz')
    cfg = _as_tested(cfg, checkpoint, view)
    key = _key(cfg, checkpoint)
    confusion = _read(path, key)
    if confusion is None:
        confusion = _test(cfg)
        if confusion is not None:
            write_atomically(path, partial(np.savez_compressed, key=key, confusion=confusion))
    return confusion


def _read(path: Path, key: str) -> np.ndarray | None:
    try:
        with np.load(path, allow_pickle=False) as stored:
            return stored['confusion'] if str(stored['key']) == key else None
    except NO_ARCHIVE:
        # Not there, or no whole file of ours: it is made anew.
        return None


def _as_tested(cfg: Config, checkpoint: Path, view: str) -> Config:
    cfg = copy.deepcopy(cfg)
    # All classes of the scenario are labelled, those of later steps included.
    cfg.test_dataloader.dataset.update(every_image=True, step=None)
    if view == 'centre':
        size = min(_input_size(cfg))
        dataset = cfg.test_dataloader.dataset
        dataset.pipeline = centre_pipeline(pipeline_of(dataset), size)
    cfg.test_evaluator = dict(type='ConfusionMetric')
    cfg.load_from, cfg.resume = str(checkpoint), False
    cfg.work_dir = str(checkpoint.parent / 'evaluate')
    cfg.experiment_name = '_'.join([*checkpoint.resolve().parts[-4:-1], checkpoint.stem, view])
    if cfg.get('visualizer'):
        cfg.visualizer.name = cfg.experiment_name
    return cfg


def _key(cfg: Config, checkpoint: Path) -> str:
    """Fingerprint of all that decides the matrix."""
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    parts = {key: part for key, part in cfg.to_dict().items() if key in DECISIVE}
    whole = DATASETS.build(copy.deepcopy(cfg.test_dataloader.dataset)).dataset
    infos = [whole.get_data_info(index) for index in range(len(whole))]
    files = [info[key] for info in infos for key in ('img_path', 'seg_map_path')]
    # Where the checkpoint of the step before lies decides nothing.
    decisive = without(parts, (*INDIFFERENT, 'previous'))
    scenario = Scenario(**cfg.scenario).fingerprint
    of = [FORMAT, scenario, cfg.step, checkpoint.name, state_of([checkpoint])]
    return digest([of, decisive, files, state_of(files)])


def _test(cfg: Config) -> np.ndarray | None:
    runner = make_runner(cfg)
    runner.test()
    if not is_main_process():
        return None
    data = runner.test_dataloader.dataset
    seen = 1 + len(data.scenario.seen(cfg.step))
    shows = set(data.scenario.select_test(data.presence, cfg.step).tolist())
    # Ground truth has the labels of the last step, predictions those of this one.
    order = [*data.scenario.seen(cfg.step), *data.scenario.future(cfg.step)]
    row_of = np.array([0, *(1 + order.index(c) for c in data.scenario.order)])
    confusion = np.zeros((2, 1 + data.scenario.num_classes, seen), np.int64)
    images = runner.test_loop.evaluator.metrics[0].images
    for index, (truth, guess, pixels) in zip(data.indices, images, strict=True):
        if data.from_steps[index] > cfg.step:
            continue
        confusion[0 if index in shows else 1, row_of[truth], guess] += pixels
    return confusion


def _input_size(cfg: Config) -> tuple[int, int]:
    size = (cfg.model.get('data_preprocessor') or {}).get('size')
    if size is None:
        raise ValueError(
            f'{cfg.filename} has no model.data_preprocessor.size, so the centre crop has no size: '
            "set it, or leave view 'centre' out"
        )
    return size


def centre_pipeline(pipeline: list[dict], size: int) -> list[dict]:
    """A test pipeline with the centre crop for its own resizing.

    Raises:
        ValueError: If it does not load an image and then its label.
    """
    kinds = [transform['type'] for transform in pipeline]
    if 'LoadImageFromFile' not in kinds or 'LoadAnnotations' not in kinds:
        raise ValueError(
            f'the test pipeline {kinds} has no LoadImageFromFile and LoadAnnotations, so no centre '
            "can be cut out: leave view 'centre' out"
        )
    labels = pipeline[kinds.index('LoadAnnotations')]
    kept = [t for t in pipeline if t['type'] not in ('Resize', 'LoadAnnotations')]
    behind = 1 + [t['type'] for t in kept].index('LoadImageFromFile')
    return [*kept[:behind], labels, dict(type='CentreCrop', size=size), *kept[behind:]]
