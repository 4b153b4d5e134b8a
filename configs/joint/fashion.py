# Joint training: all 8 classes at once, as long as the three steps of 4-2 together.
#   python tools/prepare_demo.py
#   python tools/incremental_train.py configs/joint/fashion.py
_base_ = '../dkd/fashion_4-2.py'
scenario = dict(name='joint', num_classes=8)
model = dict(
    decode_head=dict(
        scenario=scenario,
        init='random',
        loss_kd=None,
        loss_dkd=None,
        loss_aux=None))
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
train_cfg = dict(max_iters=1800)
