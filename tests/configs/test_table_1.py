"""Every row of the paper's tables is a config, and every config can be built and run."""

import pytest
from mmengine.registry import init_default_scope
from mmseg.apis import init_model
from mmseg.registry import MODELS

import mmseg_dkd  # noqa: F401
from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.runs.recipe import first_step_of
from tests.meta import on_meta

from .names import ALL, CONFIGS, DKD, REPOSITORY, all_steps, classes_of, load

SCENARIOS = """voc_19-1 voc_15-5 voc_15-1 ade_100-50 ade_100-10 ade_50-50 fashion_4-2
fashion_4-1""".split()
ROWS = 'finetune frozen kd mib sdr plop ssul ssul_m rcil recall dkd dkd_m'.split()
OTHERS = [name for name in ALL if name.split('/')[0] not in DKD]


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


def test_every_row_of_the_tables_is_a_config():
    assert set(ALL) >= {f'{row}/{scenario}.py' for row in ROWS for scenario in SCENARIOS}


@pytest.mark.parametrize(('name', 'step'), all_steps(OTHERS))
def test_network_of_every_step(name, step):
    cfg, sizes = step_config(load(name), step), classes_of(name)
    with on_meta():
        head = MODELS.build(cfg.model).decode_head
    assert list(head.new_labels) == list(range(1 + sum(sizes[:step]), 1 + sum(sizes[: step + 1])))


@pytest.mark.parametrize('scenario', SCENARIOS)
def test_methods_with_the_same_step_0_share_it(scenario):
    first = {row: first_step_of(load(f'{row}/{scenario}.py')) for row in ROWS}
    assert first['dkd'] == first['kd'] == first['dkd_m'] == first['frozen']
    assert first['finetune'] == first['mib']
    assert first['ssul'] == first['ssul_m']
    voc = scenario.startswith('voc')
    # On VOC void is another thing to PLOP's program, and RECALL's recipe that of its paper.
    assert (first['finetune'] == first['plop']) == (first['finetune'] == first['recall']) != voc
    assert len(set(first.values())) == 5 + 2 * voc


@pytest.mark.parametrize('name', ALL)
def test_header_names_the_command_that_runs_the_config(name):
    header = (CONFIGS / name).read_text().split('_base_')[0]
    commands = [line[4:].split() for line in header.splitlines() if line.startswith('#   ')]
    assert all((REPOSITORY / word).is_file() for c in commands for word in c if '/' in word)
    own = [c for c in commands if not {'tools/prepare_demo.py', 'tools/train.py'} & set(c)]
    assert own in (
        [['tools/dist_train.sh', f'configs/{name}', '4']],
        [['python', 'tools/incremental_train.py', f'configs/{name}']],
    )


@pytest.mark.parametrize('name', ALL)
def test_mmseg_finds_how_to_test_an_image(name):
    cfg = load(name)
    # Where MMSegInferencer, inference_model and `tools/test.py --tta` of mmseg look.
    assert cfg.test_dataloader.dataset.pipeline == cfg.test_pipeline
    assert cfg.tta_model == dict(type='IncrementalTTAModel')
    assert [t.type for t in cfg.tta_pipeline] == ['LoadImageFromFile', 'TestTimeAug']


@pytest.mark.parametrize('name', ALL)
def test_stock_mmseg_builds_the_network_of_the_last_step(name):
    with on_meta():
        model = init_model(CONFIGS / name, device='meta')
    assert model.decode_head.conv_seg.num_seen == sum(classes_of(name))
    assert model.decode_head.step == len(classes_of(name)) - 1
