#!/usr/bin/env bash
# The experiments of the program of 2019, and the three networks of the paper, on the embedded data set: queued, run one
# after the other, and shown as a table. Takes 40 minutes on two cores; what ran before is restored, not run again.
set -euo pipefail
cd "$(dirname "$0")"

# Its own encoder, VGG16 with batch norm, from scratch; few and small crops, because a batch takes up to two seconds.
dvc exp run --queue -S 'train.model=fcn32s_deconv1,fcn32s_deconv5,fcn8s_deconv5,baseline' -S train.backbone=vgg16_bn \
    -S train.lr=0.001 -S train.epochs=5 -S train.batch_size=8 -S train.crop=64 -S predict.tta=none
# The paper's, on the small backbone of params.yaml and with its recipe.
dvc exp run --queue -S 'train.model=fcn32s,fcn16s,fcn8s'
dvc exp run --queue -S train.model=fcn8s -S train.upsampling=learned

dvc exp run --run-all
dvc exp show --md --only-changed --sort-by metrics/evaluate.json:mean_iou --sort-order desc \
    --drop '.*' --keep 'train\.(model|backbone|upsampling|epochs|crop)$|predict\.tta|metrics/evaluate\.json:(mean_iou|pixel_accuracy)$|parameters'
