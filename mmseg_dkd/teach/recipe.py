"""What a model and a folder ask for: network, images, schedule. The config that ``train`` runs."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmseg.registry import MODELS

from .folders import Folder
from .known import Known

KEEPS = dict(exact='ExactHead', learned='DKDHead')
# On a CPU larger ones leave time for too few iterations.
LARGEST_ON_CPU = 256
STRIDE = 32
# Height and width of an image that any backbone takes.
PROBE = (128, 128)
SMALLEST = 64


@dataclass(frozen=True)
class Choices:
    """What teaching depends on; each is an option of ``mmseg-dkd teach``.

    Attributes:
        method: Name of the head.
        crop: Height and width of what is trained on.
        resize: The ``Resize`` by which the model tests, with a ``scale``; None if it has none.
        batch: Images of a batch.
        held_out: Whether a fifth of the images is kept for testing.
        gamma: Weight of pixels of new classes (Eq. 3); of DKD alone.
    """

    method: str
    crop: tuple[int, int]
    resize: dict | None
    batch: int
    held_out: bool
    gamma: float = 1.0


def gamma_of(share: float) -> float:
    """The weight with which pixels of new classes count as much as a fifth of all pixels.

    That is what they are in photographs of one large object, where 1 was the best of 1 and 2
    (docs/photographs.md). On the demo, with a third of it, 6 was.

    Args:
        share: Theirs of all pixels, 0 to 1.
    """
    return min(6.0, max(1.0, 0.2 / share))


def crop_of(known: Known, size: tuple[int, int], cuda: bool) -> tuple[int, int]:
    """Height and width to train on: what the model was trained on, if images are as large.

    Args:
        known: The model.
        size: Height and width of the images, as the network sees them.
        cuda: Whether there is a GPU.
    """
    trained = (known.cfg.model.get('data_preprocessor') or {}).get('size')
    trained = tuple(trained or known.cfg.get('crop_size') or size)
    most = max(trained) if cuda else LARGEST_ON_CPU
    sides = (min(side, of, most) for side, of in zip(trained, size, strict=True))
    height, width = (max(SMALLEST, side // STRIDE * STRIDE) for side in sides)
    return height, width


def resize_of(known: Known) -> dict | None:
    """The ``Resize`` to a ``scale`` by which the model tests; None if it has none."""
    found = (t for t in test_pipeline_of(known.cfg) if t.get('type') == 'Resize')
    return next((dict(transform) for transform in found if transform.get('scale')), None)


def test_pipeline_of(cfg: Config) -> list[dict]:
    """The transforms by which a config of mmsegmentation tests."""
    loader = cfg.get('test_dataloader') or {}
    dataset = loader.get('dataset') or {}
    return list(dataset.get('pipeline') or cfg.get('test_pipeline') or [])


def seen_at(size: tuple[int, int], resize: dict | None) -> tuple[int, int]:
    """Height and width of an image once it is resized."""
    if resize is None:
        return size
    width, height = resize['scale']
    if not resize.get('keep_ratio'):
        return height, width
    long, short = max(width, height), min(width, height)
    factor = min(long / max(size), short / min(size))
    return round(size[0] * factor), round(size[1] * factor)


def config_of(
    known: Known,
    classes: Sequence[str],
    train: Folder,
    test: Folder | None,
    choices: Choices,
    out: str,
    seed: int,
) -> Config:
    """The config of both steps: the model as it is, and the classes that it is taught.

    Args:
        known: The model.
        classes: The classes that are taught.
        train, test: The data; without a test set that of ``train`` is tested.
        choices: What was chosen.
        out: Folder of the run.
        seed: Of all that is random.
    """
    everything = known.classes_with(classes)
    scenario: dict[str, Any] = dict(
        name=[
            list(range(1, len(known.classes) + 1)),
            [everything.index(name) + 1 for name in classes],
        ],
        num_classes=len(everything),
        has_background=known.background,
    )
    if set(classes) & set(known.classes):
        scenario['refresh'] = True
    if not known.background:
        scenario['unlabelled'] = 'ignored'
    resize = choices.resize or dict(scale=train.size[::-1], keep_ratio=True)
    scale, keep_ratio = resize['scale'], resize.get('keep_ratio', False)
    train_pipeline: list[dict] = [
        dict(type='LoadImageFromFile'),
        dict(type='LoadAnnotations'),
        dict(type='RandomResize', scale=scale, ratio_range=(0.75, 1.5), keep_ratio=keep_ratio),
        dict(type='RandomCrop', crop_size=choices.crop, cat_max_ratio=0.9),
        dict(type='RandomFlip', prob=0.5),
        dict(type='PhotoMetricDistortion'),
        dict(type='PackSegInputs'),
    ]
    test_pipeline: list[dict] = [
        dict(type='LoadImageFromFile'),
        *([choices.resize] if choices.resize else []),
        dict(type='LoadAnnotations'),
        dict(type='PackSegInputs'),
    ]

    def images(folder: Folder, pipeline: list[dict], part: str | None) -> dict:
        datasets = [dict(dataset, pipeline=pipeline) for dataset in folder.datasets]
        return dict(
            type='StepDataset',
            scenario=scenario,
            every_image=True,
            part=part,
            presence_dir=str(folder.masks / 'index'),
            dataset=dict(type='ConcatDataset', datasets=datasets),
        )

    parts = ('fit', 'held') if choices.held_out and test is None else (None, None)
    workers = dict(num_workers=1, persistent_workers=True)
    imports = (known.cfg.get('custom_imports') or {}).get('imports') or []
    parts_of_config = dict(
        custom_imports=dict(imports=['mmseg_dkd', *imports], allow_failed_imports=False),
        default_scope='mmseg',
        env_cfg=dict(
            cudnn_benchmark=True,
            mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
            dist_cfg=dict(backend='nccl'),
        ),
        work_dir=out,
        randomness=dict(seed=seed),
        log_level='INFO',
        log_processor=dict(by_epoch=False),
        scenario=scenario,
        start_from=str(known.checkpoint.resolve()),
        model=model_of(known, choices, scenario),
        train_dataloader=dict(
            **workers,
            batch_size=choices.batch,
            drop_last=True,
            sampler=dict(type='InfiniteSampler', shuffle=True),
            dataset=images(train, train_pipeline, parts[0]),
        ),
        test_dataloader=dict(
            **workers,
            batch_size=1,
            sampler=dict(type='DefaultSampler', shuffle=False),
            dataset=dict(images(test or train, test_pipeline, parts[1]), test_mode=True),
        ),
        test_evaluator=dict(type='IncrementalIoUMetric'),
        test_cfg=dict(type='TestLoop'),
        default_hooks=dict(
            timer=dict(type='IterTimerHook'),
            logger=dict(type='LoggerHook', interval=20, log_metric_by_epoch=False),
            param_scheduler=dict(type='ParamSchedulerHook'),
            checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=100, max_keep_ckpts=1),
            sampler_seed=dict(type='DistSamplerSeedHook'),
        ),
        custom_hooks=[dict(type='IncrementalStepHook')],
        visualizer=dict(
            type='SegLocalVisualizer',
            vis_backends=[dict(type='LocalVisBackend')],
            name='visualizer',
        ),
        **schedule_of(known, choices),
    )
    return Config(parts_of_config)


def model_of(known: Known, choices: Choices, scenario: dict) -> dict:
    """The model with the method over its head."""
    model = copy.deepcopy(known.cfg.model.to_dict())
    model.update(type='IncrementalSegmentor', auxiliary_head=None)
    for part in (model, model['backbone']):
        part.pop('pretrained', None)
        part.pop('init_cfg', None)
    preprocessor = model.get('data_preprocessor') or {}
    preprocessor.pop('size_divisor', None)
    preprocessor.pop('test_cfg', None)
    model['data_preprocessor'] = dict(preprocessor, size=choices.crop)
    if not (model.get('test_cfg') or {}).get('mode'):
        model['test_cfg'] = dict(mode='whole')
    head = model['decode_head'] = known.head.to_dict()
    for key in ('loss_decode', 'sampler', 'out_channels', 'threshold', 'init_cfg'):
        head.pop(key, None)
    head.update(
        type=choices.method,
        base_type=head['type'],
        num_classes=scenario['num_classes'] + scenario['has_background'],
        scenario=scenario,
        **OF_METHOD.get(choices.method, {}),
    )
    if choices.method == KEEPS['exact']:
        head.update(maps=channels_of_maps(known), taken=list(known.taken))
    if choices.method == 'DKDHead':
        head['loss_decode'] = dict(type='MultiBCELoss', pos_weight=choices.gamma)
    return model


def channels_of_maps(known: Known) -> list[int]:
    """Channels of the maps that the backbone, with its neck, gives."""
    model = revert_sync_batchnorm(MODELS.build(copy.deepcopy(known.cfg.model))).eval()
    with torch.no_grad():
        return [each.shape[1] for each in model.extract_feat(torch.zeros(1, 3, *PROBE))]


# What methods take beyond their defaults, as their configs have it.
OF_METHOD: dict[str, dict] = dict(
    DKDHead=dict(
        loss_kd=dict(type='BinaryKDLoss', loss_weight=5.0),
        loss_dkd=dict(type='DecomposedKDLoss', loss_weight=5.0),
        loss_aux=dict(type='AuxiliaryLoss', loss_weight=1.0),
    ),
)


def schedule_of(known: Known, choices: Choices) -> dict:
    """Optimizer and what is frozen: in step 0 of what a converted model lacks, then of the new
    classes; of one iteration, until :func:`set_length`."""
    sgd = dict(type='SGD', lr=1e-2, momentum=0.9, nesterov=True)
    new = 'decode_head.conv_seg.steps.{step}'
    poly = dict(type='WarmUpPolyLR', power=0.9, by_epoch=False, warm_up=0.2, start_factor=1e-3)
    later: dict[str, Any] = {}
    if choices.method != KEEPS['exact']:
        rest = {'backbone': dict(decay_mult=0.0), 'decode_head': dict(decay_mult=0.0)}
        trained = (known.cfg.get('optim_wrapper') or {}).get('optimizer') or {}
        # Between those of the demo and of photographs.
        optimizer = dict(sgd, lr=5e-4, weight_decay=1e-4)
        if trained.get('type') == 'AdamW':
            optimizer = dict(type='AdamW', lr=6e-6, weight_decay=0.01)
        later = dict(
            model=dict(freeze_norm=True, freeze_dropout=True),
            optim_wrapper=dict(
                optimizer=dict(optimizer, _delete_=True),
                constructor='GroupedOptimWrapperConstructor',
                # Without it, a refresh on the demo left background alone.
                clip_grad=dict(max_norm=10, norm_type=2),
                paramwise_cfg=dict(custom_keys={**rest, new: dict(lr_mult=10.0)}),
            ),
        )
    return dict(
        optim_wrapper=dict(type='OptimWrapper', optimizer=dict(sgd, weight_decay=0.0)),
        param_scheduler=[poly],
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=1, val_interval=10**6),
        first_step=dict(train_cfg=dict(max_iters=1)),
        later_steps=later,
    )


def set_length(cfg: Config, iterations: int) -> None:
    """Give step 1 so many iterations, and a fourth to step 0, which has less to learn."""
    cfg.train_cfg.max_iters = iterations
    cfg.first_step.train_cfg.max_iters = max(1, iterations // 4)
