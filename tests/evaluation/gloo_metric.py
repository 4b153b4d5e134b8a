"""Worker: a test by both metrics in this many processes, two images a batch."""

import json
import sys
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.runner import Runner

from mmseg_dkd.engine.launcher import launch
from mmseg_dkd.evaluation import IncrementalIoUMetric


def test(config: str, checkpoint: str, images: int, launcher: str, folder: Path) -> dict:
    cfg = Config.fromfile(config)
    cfg.test_dataloader.batch_size = 2
    cfg.test_dataloader.dataset.dataset.indices = images
    cfg.test_evaluator = [dict(type='IncrementalIoUMetric')]
    cfg.test_evaluator.append(dict(type='ConfusionMetric', prefix='images'))
    cfg.load_from, cfg.work_dir = checkpoint, str(folder)
    cfg.experiment_name = f'{folder.name}_{launcher}_{images}'
    cfg.visualizer.name = cfg.experiment_name
    launch(cfg, launcher)
    collected = []
    compute = IncrementalIoUMetric.compute_metrics

    def keep(self, results):
        collected.extend(results)
        return compute(self, results)

    IncrementalIoUMetric.compute_metrics = keep
    try:
        runner = Runner.from_cfg(cfg)
        scores = runner.test()
    finally:
        IncrementalIoUMetric.compute_metrics = compute
    if not is_main_process():
        return {}
    per_image = [image.tolist() for image in runner.test_loop.evaluator.metrics[1].images]
    return dict(scores=scores, matrix=sum(collected).tolist(), per_image=per_image)


if __name__ == '__main__':
    *arguments, out = sys.argv[1:]
    config, checkpoint, counts = arguments
    found = [
        test(config, checkpoint, int(count), 'pytorch', Path(out).parent)
        for count in counts.split(',')
    ]
    if is_main_process():
        Path(out).write_text(json.dumps(found))
