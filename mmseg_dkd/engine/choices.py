"""The choices that decide a step's result, read off its resolved config."""

from mmengine.config import Config

from ..models.method_registry import method_of
from .resolve import OFFICIAL, head_configs
from .schedule import warm_up_of


def choices_of(cfg: Config) -> dict:
    """What this step does where the paper and the authors' program differ, or leave it open.

    Args:
        cfg: Config of one step, as :func:`mmseg_dkd.engine.resolve` returns it.

    Returns:
        Plain data, for the meta of a checkpoint and for results.json: the preset, the method and
        its own choices, optimizer, schedule and what is frozen. None where a part is not there.
        ``auxiliary_heads`` has method and choices of every auxiliary head. ``memory_share`` and
        ``memory_labels`` are there if there is a replay memory, and ``projection_dropout``,
        ``classifier_std`` (of fresh classifiers) and ``frozen_dropout`` if the config says them.
    """
    model = cfg.model
    head, *auxiliary = (
        dict(method=h['type'].removesuffix('Head'), **method_of(h).choices(h))
        for h in head_configs(model)
    )
    optim, optimizer = cfg.optim_wrapper, cfg.optim_wrapper.optimizer
    groups = (optim.get('paramwise_cfg') or {}).get('custom_keys', {})
    checkpointing = (cfg.get('default_hooks') or {}).get('checkpoint') or {}
    memory = cfg.get('memory') or {}
    mixed = {f'memory_{key}': value for key, value in memory.items() if key != 'size'}
    said = dict(
        projection_dropout=model.decode_head.get('projection_dropout'),
        classifier_std=(model.decode_head.get('init_cfg') or {}).get('std'),
        frozen_dropout=model.get('frozen_dropout'),
    )
    return dict(
        preset=cfg.get('preset', OFFICIAL),
        start_from=cfg.get('start_from'),
        **head,
        auxiliary_heads=auxiliary,
        memory=memory.get('size'),
        **mixed,
        optimizer=optimizer.type,
        lr=optimizer.get('lr'),
        nesterov=optimizer.get('nesterov', False),
        weight_decay=optimizer.get('weight_decay', 0.0),
        parameter_groups={key: dict(settings) for key, settings in groups.items()},
        amp=optim.get('type', 'OptimWrapper').startswith('Amp'),
        epochs=cfg.train_cfg.get('max_epochs'),
        iterations=cfg.train_cfg.get('max_iters'),
        warm_up=warm_up_of(cfg),
        part=cfg.train_dataloader.dataset.get('part'),
        save_best=checkpointing.get('save_best'),
        batch_size_per_process=cfg.train_dataloader.batch_size,
        train_only=model.get('train_only'),
        freeze_norm=model.get('freeze_norm', False),
        freeze_dropout=model.get('freeze_dropout', False),
        norm_momentum=(model.backbone.get('norm_cfg') or {}).get('momentum', 0.1),
        **{name: value for name, value in said.items() if value is not None},
    )
