# Fine-tuning: mBCE only, no distillation, new classifiers at random. It forgets.
# The auxiliary classifier is trained beside and not used: step 0 is the same as DKD's.
#   python tools/prepare_demo.py
#   python tools/incremental_train.py configs/finetune/fashion_4-2.py
_base_ = '../dkd/fashion_4-2.py'
model = dict(
    decode_head=dict(init='random', loss_kd=None, loss_dkd=None))
