# mBCE + KD only, the first row of Table 3: no DKD, new classifiers at random.
# The auxiliary classifier is trained beside and not used: step 0 is the same in every row.
# Needs what configs/dkd/ade_100-10.py needs.
#   tools/dist_train.sh configs/kd/ade_100-10.py 4
_base_ = '../dkd/ade_100-10.py'
model = dict(decode_head=dict(init='random', loss_dkd=None))
