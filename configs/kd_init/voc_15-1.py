# The third row of Table 3: mBCE and KD, new classifiers from the auxiliary one, no DKD.
# Needs what configs/dkd/voc_15-5.py needs.
#   tools/dist_train.sh configs/kd_init/voc_15-1.py 4
_base_ = '../dkd/voc_15-1.py'
model = dict(decode_head=dict(loss_dkd=None))
