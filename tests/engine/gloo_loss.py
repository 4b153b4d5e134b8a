"""Worker: loss and gradients of step 1 on a fixed batch, of this many processes together."""

import json
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.dist import get_dist_info
from mmengine.model import MMDistributedDataParallel
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS, MODELS

from mmseg_dkd.engine import hand_over
from mmseg_dkd.engine.launcher import launch
from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.utils import checkpoint_types


def main(config: str, checkpoint: str, launcher: str, out: str) -> None:
    init_default_scope('mmseg')
    cfg = step_config(Config.fromfile(config), 1)
    launch(cfg, launcher)
    rank, world = get_dist_info()
    state = checkpoint_types.load(checkpoint)['state_dict']
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).train()
    model.load_state_dict(hand_over.start_state(state, model))
    model.set_teacher(hand_over.build_teacher(cfg.model, state, 0, torch.device('cpu')))
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    batch = pseudo_collate([dataset[i] for i in range(rank, 4, world)])
    data = model.data_preprocessor(batch, training=True)
    wrapped = MMDistributedDataParallel(model, device_ids=None) if world > 1 else model
    loss, terms = model.parse_losses(wrapped(**data, mode='loss'))
    loss.backward()
    gradient = torch.cat([p.grad.flatten() for p in model.parameters() if p.requires_grad])
    loss = loss.detach() / world
    if world > 1:
        dist.all_reduce(loss)
    if rank == 0:
        result = dict(loss=loss.item(), gradient=gradient.norm().item(), terms=sorted(terms))
        Path(out).write_text(json.dumps(result))


if __name__ == '__main__':
    main(*sys.argv[1:])
