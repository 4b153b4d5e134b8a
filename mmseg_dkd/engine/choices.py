"""The choices that decide a step's result, read off its resolved config."""

from mmengine.config import Config
from mmseg.registry import MODELS

from .step_config import OFFICIAL


def choices(cfg: Config) -> dict:
    """What this step does where the paper and the authors' program differ, or leave it open.

    Args:
        cfg: Config of one step, as :func:`mmseg_dkd.engine.step_config` returns it.

    Returns:
        Plain data, for the meta of a checkpoint and for results.json: the preset, weights of the
        losses, optimizer, schedule and what is frozen. None where a part is not there.
    """
    model, head = cfg.model, cfg.model.decode_head
    optim, optimizer = cfg.optim_wrapper, cfg.optim_wrapper.optimizer
    groups = (optim.get('paramwise_cfg') or {}).get('custom_keys', {})
    schedule = cfg.get('param_scheduler') or []
    schedule = [schedule] if isinstance(schedule, dict) else schedule
    length = cfg.train_cfg.get('max_epochs', cfg.train_cfg.get('max_iters'))
    warm_up = sum(s.end - s.get('begin', 0) for s in schedule if s.type == 'LinearLR')
    checkpointing = (cfg.get('default_hooks') or {}).get('checkpoint') or {}
    mbce = head.get('loss_decode') or {}
    return dict(
        preset=cfg.get('preset', OFFICIAL),
        start_from=cfg.get('start_from'),
        init=head.get('init', 'auxiliary'),
        gamma=mbce.get('pos_weight', 1.0),
        void=mbce.get('void', 'negative'),
        alpha=_weight(head.get('loss_kd')),
        beta=_weight(head.get('loss_dkd')),
        auxiliary=_weight(head.get('loss_aux')),
        memory=(cfg.get('memory') or {}).get('size'),
        replay=_weight(head.get('loss_replay')),
        tau=head.get('tau', 0.5),
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


def _weight(loss: dict | None) -> float | None:
    return None if loss is None else MODELS.build(loss).loss_weight
