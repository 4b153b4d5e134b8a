# DKD on the embedded demo set from an ordinary softmax model of its four base classes. Step 0 converts
# it and trains nothing but the auxiliary classifier; the other steps are those of fashion_4-2.py.
#   python tools/prepare_demo.py
#   python tools/train.py configs/softmax/fashion_4.py
#   python tools/incremental_train.py configs/dkd/fashion_4-2_from_softmax.py
_base_ = './fashion_4-2.py'
start_from = 'work_dirs/fashion_4/iter_800.pth'
first_step = dict(train_cfg=dict(max_iters=200))
