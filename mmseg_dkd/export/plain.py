"""An incremental model as a plain mmsegmentation one: config and weights."""

import copy
import math
from inspect import Parameter, signature
from pathlib import Path

import torch
from mmengine.config import Config
from mmseg.registry import DATASETS
from torch import Tensor

from ..datasets.step_dataset import pipeline_of
from ..methods.dkd import DKDHead
from ..models.segmentor import IncrementalSegmentor
from ..scenario import Scenario
from .detach import PACKAGE, detach

KEPT = ('default_scope', 'env_cfg', 'log_processor', 'log_level', 'tta_pipeline')


def plain_model(model: dict, num_classes: int) -> dict:
    """Config of the ``EncoderDecoder`` that predicts what an incremental model does.

    Args:
        model: Config of an ``IncrementalSegmentor``.
        num_classes: 1 + C, the channels of its logits.
    """
    plain = copy.deepcopy(model)
    starts = ('pretrained', 'init_cfg')
    for key in (*_own_arguments(IncrementalSegmentor), *starts, 'auxiliary_head'):
        plain.pop(key, None)
    for key in starts:
        plain['backbone'].pop(key, None)
    head = plain['decode_head']
    for key in _own_arguments(DKDHead):
        head.pop(key, None)
    head.update(
        type=head.pop('base_type'),
        num_classes=num_classes,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0),
    )
    return dict(plain, type='EncoderDecoder')


def plain_state(state: dict[str, Tensor], tau: float) -> dict[str, Tensor]:
    """Eq. 12 in one ``conv_seg``: its first channel is logit(tau), whatever the feature.

    Args:
        state: State dict of an incremental model.
        tau: Threshold of Eq. 12.

    Returns:
        State dict of the plain one: the classifiers of all steps, in the order of learning, behind
        a channel of zero weight and bias logit(tau); without auxiliary classifier and heads.
    """
    prefix = 'decode_head.conv_seg.'
    left_out = (prefix, 'auxiliary_head.')
    plain = {key: value for key, value in state.items() if not key.startswith(left_out)}
    steps = sum(k.startswith(f'{prefix}steps.') and k.endswith('.weight') for k in state)
    for kind, background in (('weight', 0.0), ('bias', math.log(tau / (1 - tau)))):
        classes = [state[f'{prefix}steps.{step}.{kind}'] for step in range(steps)]
        first = torch.full_like(classes[0][:1], background)
        plain[prefix + kind] = torch.cat([first, *classes])
    return plain


def plain_test(
    cfg: Config, scenario: Scenario, step: int, classes: list[str], palette: list[list[int]]
) -> dict:
    """Parts of the config by which mmseg predicts and, where it can, tests.

    mmseg numbers labels by class name, and ignores those of classes that are not named. Without a
    background class it cannot, since nothing in the data set has the name of the model's class 0,
    and without knowing the names it cannot renumber: then the pipeline alone is there.

    Args:
        cfg: The incremental config.
        scenario: Says what the labels of the data set are.
        step: The step.
        classes: Names of the model's classes.
        palette: Their colours.
    """
    pipeline = copy.deepcopy(pipeline_of(cfg.test_dataloader.dataset))
    dataset = cfg.test_dataloader.dataset.dataset.to_dict()
    known = getattr(DATASETS.get(dataset['type']), 'METAINFO', {}).get('classes', ())
    in_order = scenario.seen(step) == tuple(range(1, scenario.num_classes + 1))
    numbered = 'datasets' not in dataset and (in_order or set(classes) <= set(known))
    if not scenario.has_background or not numbered:
        return dict(test_pipeline=pipeline, test_dataloader=dict(dataset=dict(pipeline=pipeline)))
    dataset.update(metainfo=dict(classes=classes, palette=palette), pipeline=pipeline)
    return dict(
        test_pipeline=pipeline,
        test_dataloader=dict(cfg.test_dataloader.to_dict(), dataset=dataset),
        test_evaluator=dict(type='IoUMetric', iou_metrics=['mIoU']),
        test_cfg=dict(type='TestLoop'),
        tta_model=dict(type='SegTTAModel'),
    )


def write_config(path: Path, cfg: Config, model: dict, test: dict, about: str) -> None:
    """Write a config that mmseg reads from any folder, and the modules it needs beside it.

    Args:
        path: Of the config.
        cfg: The incremental config, for what does not concern model and test.
        model: From :func:`plain_model`.
        test: From :func:`plain_test`.
        about: A line of comment at its head.

    Raises:
        ValueError: If it needs a module that cannot be copied (:func:`detach`).
    """
    backends = [dict(type='LocalVisBackend')]
    parts = dict(
        {key: cfg[key] for key in KEPT if cfg.get(key) is not None},
        model=model,
        **test,
        default_hooks=dict(visualization=dict(type='SegVisualizationHook')),
        visualizer=dict(type='SegLocalVisualizer', vis_backends=backends, name='visualizer'),
    )
    parts, modules = detach(Config(parts).to_dict())
    imports = (cfg.get('custom_imports') or {}).get('imports', [])
    imports = [name for name in imports if name.partition('.')[0] != PACKAGE] + list(modules)
    if imports:
        parts['custom_imports'] = dict(imports=imports, allow_failed_imports=False)
    head = f'# {about}\n'
    if modules:
        head += "import sys\n\nsys.path.insert(0, '{{ fileDirname }}')\n"
    path.write_text(head + Config(parts).pretty_text)
    for name, text in modules.items():
        path.with_name(f'{name}.py').write_text(text)


def _own_arguments(cls: type) -> list[str]:
    """Arguments that a class of ours adds to those of mmseg's class it extends."""
    own = [part for part in cls.__mro__ if part.__module__.startswith(PACKAGE)]
    parameters = [p for part in own for p in signature(part.__init__).parameters.values()]
    return [p.name for p in parameters if p.kind is Parameter.KEYWORD_ONLY]
