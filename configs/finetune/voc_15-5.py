# Fine-tuning: mBCE only, no distillation, new classifiers at random. It forgets.
# The auxiliary classifier is trained beside and not used: step 0 is the same as DKD's.
# Needs what configs/dkd/voc_15-5.py needs.
#   tools/dist_train.sh configs/finetune/voc_15-5.py 4
_base_ = '../dkd/voc_15-5.py'
model = dict(
    decode_head=dict(init='random', loss_kd=None, loss_dkd=None))
