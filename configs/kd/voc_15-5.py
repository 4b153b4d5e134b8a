# mBCE + KD only, the first row of Table 3: no DKD, new classifiers at random.
# Needs what configs/dkd/voc_15-5.py needs.
#   tools/dist_train.sh configs/kd/voc_15-5.py 4
_base_ = '../dkd/voc_15-5.py'
model = dict(
    decode_head=dict(init='random', loss_dkd=None, loss_aux=None))
