"""The runner that each of several processes makes."""

import pytest
from mmengine.hooks import LoggerHook

from mmseg_dkd.engine import launcher
from mmseg_dkd.engine.launcher import make_runner
from mmseg_dkd.engine.resolve import step_config


@pytest.mark.parametrize('first', [True, False])
@pytest.mark.parametrize('configured', [True, False])
def test_the_first_process_alone_writes_the_scores(first, configured, tiny, tmp_path, monkeypatch):
    cfg = step_config(tiny(), 0)
    cfg.work_dir = str(tmp_path)
    if not configured:
        cfg.pop('default_hooks')
    monkeypatch.setattr(launcher, 'is_main_process', lambda: first)
    runner = make_runner(cfg)
    assert any(isinstance(hook, LoggerHook) for hook in runner.hooks) == first
    runner.test()
    assert len(list(tmp_path.glob('*/*.json'))) == first
