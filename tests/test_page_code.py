"""Python in docs/deploy.md and docs/models.md does what the page says."""

import re

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.utils import digit_version
from mmseg.registry import MODELS
from PIL import Image

from mmseg_dkd import Scenario
from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.export import export
from mmseg_dkd.export.to_onnx import TORCH
from mmseg_dkd.runs.preflight import problems_of
from tests.tiny import REPOSITORY
from tests.tools.test_export_onnx import images_of, small  # noqa: F401


def code_of(page: str) -> list[str]:
    """The Python blocks of a page."""
    return re.findall(r'```python\n(.*?)```', (REPOSITORY / 'docs' / page).read_text(), re.S)


@pytest.mark.skipif(
    digit_version(torch.__version__) < digit_version(TORCH), reason=f'needs torch {TORCH}'
)
def test_exported_models_give_an_image_the_same_labels(
    small,  # noqa: F811
    scenes,
    tmp_path,
    monkeypatch,
):
    monkeypatch.chdir(tmp_path)
    config, checkpoint = small
    export(Config.fromfile(config), checkpoint, 'exported', ['mmseg', 'onnx'])
    Image.open(images_of(scenes)[0]).save('image.jpg', quality=95)
    said = []
    for code in code_of('deploy.md'):
        variables: dict = {}
        exec(code.replace('fashion_4-2_step_2', 'outspoken_step_2'), variables)  # noqa: S102
        said.append(variables['labels'])
    plain, onnx = said
    assert onnx.shape == (64, 64) and len(np.unique(onnx)) > 1
    np.testing.assert_array_equal(plain, onnx)
    assert (tmp_path / 'predictions/vis').is_dir() and (tmp_path / 'predictions/pred').is_dir()


def test_auxiliary_head_over_that_of_the_stock_recipe():
    init_default_scope('mmseg')
    cfg = Config.fromfile(REPOSITORY / 'configs/dkd/voc_15-1_pspnet-r50-d8.py')
    stock = Config.fromfile(REPOSITORY / 'configs/_base_/models/pspnet_r50-d8.py')
    variables: dict = dict(scenario=cfg.scenario)
    (code,) = code_of('models.md')
    exec(code, variables)  # noqa: S102
    stock.merge_from_dict(dict(model=dict(auxiliary_head=variables['auxiliary_head'])))
    cfg.model.auxiliary_head = stock.model.auxiliary_head
    cfg = step_config(cfg, 1)
    assert problems_of(cfg) == []
    head = MODELS.build(dict(cfg.model.auxiliary_head, norm_cfg=dict(type='BN')))
    assert head.new_labels == range(16, 17) and head.scenario == Scenario('15-1', 20)
    # With 0.4 of the weights in the decode head.
    assert head.loss_decode.loss_weight == 0.4 and head.loss_kd.loss_weight == 0.4 * 5.0
    assert head.loss_dkd is None and head.loss_aux is None
