"""An incremental model as a plain mmsegmentation one: config and weights."""

import copy
from collections.abc import Iterable
from inspect import Parameter, signature
from pathlib import Path

from mmengine.config import Config
from mmseg.registry import DATASETS
from torch import Tensor

from ..datasets.labelled_folder import LabelledFolder
from ..datasets.pipelines import pipeline_of
from ..models.method_registry import method_of
from ..models.segmentor import IncrementalSegmentor
from ..scenario import Scenario
from ..utils.config_text import lost_in_text
from .detach import PACKAGE, detach

# Not by {{ fileDirname }}, which mmengine would paste into the code. An import of `os` or `pathlib`
# would make the config one of another kind for some versions of mmengine.
BESIDE = """import sys

# Where this file lies now are the modules that it imports.
sys.path.insert(0, sys._getframe().f_code.co_filename.rpartition('/')[0])
"""
KEPT = ('default_scope', 'env_cfg', 'log_processor', 'log_level', 'tta_pipeline')


def plain_model(model: dict, num_classes: int) -> dict:
    """Config of the ``EncoderDecoder`` that predicts what an incremental model does.

    Args:
        model: Config of an ``IncrementalSegmentor``.
        num_classes: 1 + C, the channels of its logits; C of a model without background.
    """
    plain = copy.deepcopy(model)
    starts = ('pretrained', 'init_cfg')
    for key in (*_own_arguments(IncrementalSegmentor), *starts, 'auxiliary_head'):
        plain.pop(key, None)
    for key in starts:
        plain['backbone'].pop(key, None)
    head = plain['decode_head']
    for key in _own_arguments(method_of(head)):
        head.pop(key, None)
    head.update(
        type=head.pop('base_type'),
        num_classes=num_classes,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0),
    )
    return dict(plain, type='EncoderDecoder')


def plain_state(model: IncrementalSegmentor, names: Iterable[str]) -> dict[str, Tensor]:
    """State dict of the plain model, which predicts as the method does.

    Args:
        model: The incremental model.
        names: Names of the plain model's tensors. What else a method keeps is left out.

    Raises:
        TypeError: If the method's prediction is no 1x1 convolution of the feature, or a tensor is
            missing.
    """
    tensors = model.decode_head.plain_tensors()
    state = model.state_dict() | {f'decode_head.{name}': t for name, t in tensors.items()}
    missing = [name for name in names if name not in state]
    if missing:
        raise TypeError(
            f'{type(model.decode_head).__name__} has made another network of the plain one: '
            f'{missing[0]} and {len(missing) - 1} other tensors are not there'
        )
    return {name: state[name] for name in names}


def plain_test(
    cfg: Config, scenario: Scenario, step: int, classes: list[str], palette: list[list[int]]
) -> dict:
    """Parts of the config by which mmseg predicts and, where it can, tests.

    mmseg numbers labels by class name, and ignores labels of classes that are not named. There are
    two cases in which it cannot test. Without a background class, nothing in the data set has the
    name of a class 0 that counts. Without the names of the classes, it cannot renumber. Then only
    the pipeline is there.

    Args:
        cfg: The incremental config.
        scenario: Says what the labels of the data set are.
        step: The step.
        classes: Names of the model's classes.
        palette: Their colours.
    """
    pipeline = copy.deepcopy(pipeline_of(cfg.test_dataloader.dataset))
    dataset = cfg.test_dataloader.dataset.dataset.to_dict()
    kind = DATASETS.get(dataset['type'])
    known = getattr(kind, 'METAINFO', {}).get('classes', ())
    in_order = scenario.seen(step) == tuple(range(1, scenario.num_classes + 1))
    # What the masks of such a folder say, only this package knows.
    own = issubclass(kind or object, LabelledFolder)
    numbered = not own and 'datasets' not in dataset and (in_order or set(classes) <= set(known))
    if (scenario.zero_counts and not scenario.has_background) or not numbered:
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
        path: Path of the config.
        cfg: The incremental config, for what does not concern model and test.
        model: From :func:`plain_model`.
        test: From :func:`plain_test`.
        about: A comment at its head, without a line break.

    Raises:
        ValueError: If the config needs a module that cannot be copied (:func:`.detach`), or would
            be another one when it is read (:func:`.lost_in_text`).
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
    for problem in lost_in_text(dict(parts, comment=about)):
        raise ValueError(f'{cfg.filename} cannot be exported: {problem}')
    path.write_text(f'# {about}\n{BESIDE if modules else ""}{Config(parts).pretty_text}')
    for name, text in modules.items():
        path.with_name(f'{name}.py').write_text(text)


def _own_arguments(cls: type) -> list[str]:
    """Arguments that a class of ours adds to those of mmseg's class it extends."""
    own = [part for part in cls.__mro__ if part.__module__.startswith(PACKAGE)]
    parameters = [p for part in own for p in signature(part).parameters.values()]
    return [p.name for p in parameters if p.kind is Parameter.KEYWORD_ONLY]
