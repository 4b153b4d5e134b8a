"""The choices that decide a step's result, read off its resolved config."""

from mmengine.config import Config
from mmseg.registry import MODELS

from .step_config import OFFICIAL, head_configs


def choices(cfg: Config) -> dict:
    """What this step does where the paper and the authors' program differ, or leave it open.

    Args:
        cfg: Config of one step, as :func:`mmseg_dkd.engine.step_config` returns it.

    Returns:
        Plain data, for the meta of a checkpoint and for results.json: the preset, weights of the
        losses, optimizer, schedule and what is frozen. None where a part is not there.
        ``auxiliary_heads`` has those of every auxiliary head.
    """
    model = cfg.model
    head, *auxiliary = map(_of_head, head_configs(model))
    optim, optimizer = cfg.optim_wrapper, cfg.optim_wrapper.optimizer
    groups = (optim.get('paramwise_cfg') or {}).get('custom_keys', {})
    schedule = cfg.get('param_scheduler') or []
    schedule = [schedule] if isinstance(schedule, dict) else schedule
    length = cfg.train_cfg.get('max_epochs', cfg.train_cfg.get('max_iters'))
    warm_up = sum(s.end - s.get('begin', 0) for s in schedule if s.type == 'LinearLR')
    checkpointing = (cfg.get('default_hooks') or {}).get('checkpoint') or {}
    return dict(
        preset=cfg.get('preset', OFFICIAL),
        start_from=cfg.get('start_from'),
        **head,
        auxiliary_heads=auxiliary,
        tau=model.decode_head.get('tau', 0.5),
        memory=(cfg.get('memory') or {}).get('size'),
        optimizer=optimizer.type,
        lr=optimizer.get('lr'),
        nesterov=optimizer.get('nesterov', False),
        weight_decay=optimizer.get('weight_decay', 0.0),
        parameter_groups={key: dict(settings) for key, settings in groups.items()},
        amp=optim.get('type', 'OptimWrapper').startswith('Amp'),
        epochs=cfg.train_cfg.get('max_epochs'),
        iterations=cfg.train_cfg.get('max_iters'),
        warm_up=warm_up / length,
        part=cfg.train_dataloader.dataset.get('part'),
        save_best=checkpointing.get('save_best'),
        batch_size_per_process=cfg.train_dataloader.batch_size,
        freeze_norm=model.get('freeze_norm', False),
        freeze_dropout=model.get('freeze_dropout', False),
        norm_momentum=(model.backbone.get('norm_cfg') or {}).get('momentum', 0.1),
    )


def _of_head(head: dict) -> dict:
    mbce = head.get('loss_decode') or dict(type='MultiBCELoss')
    return dict(
        init=head.get('init', 'auxiliary'),
        mbce=_weight(mbce),
        gamma=mbce.get('pos_weight', 1.0),
        void=mbce.get('void', 'negative'),
        alpha=_weight(head.get('loss_kd')),
        beta=_weight(head.get('loss_dkd')),
        auxiliary=_weight(head.get('loss_aux')),
        replay=_weight(head.get('loss_replay')),
    )


def _weight(loss: dict | None) -> float | None:
    return None if loss is None else MODELS.build(loss).loss_weight
