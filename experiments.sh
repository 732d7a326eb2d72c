#!/usr/bin/env bash
# Run experiments one after the other; what ran before is restored, not trained again.
#
#   ./experiments.sh             the networks of the program of 2019 and the three of the paper, on the embedded data
#                                set, as a table; 40 minutes on two cores
#   ./experiments.sh ten-minutes on the data of a course, see docs/data.md; on two cores, for three seeds
#   ./experiments.sh hour        the same, for an hour
#   ./experiments.sh three-hours the same, for three hours; it may be interrupted
#   ./experiments.sh two-cores   the networks of the paper on another encoder, on the data of the course
#   ./experiments.sh search      what led to the parameters of two-cores; every tenth training image validates
#   ./experiments.sh one-gpu     on the data of the course, for a GPU
#   ./experiments.sh quarter-gpu today's decoders and the network of the paper, minutes each on a fast GPU
#
# All but the first write results/NAME.json and the tables of docs/results.md. Where torchvision's weights cannot be
# downloaded, two-cores, search and quarter-gpu take a state dict of the backbone:
# WEIGHTS=data/weights.pt WEIGHTS_ORIGIN="where they are from" ./experiments.sh two-cores
# Where DVC is not installed, they run the same stages without it (python -m stages).
set -euo pipefail
cd "$(dirname "$0")"

embedded() {
    # Those of 2019 on their encoder, VGG16 with batch norm, from scratch; few small crops, as a batch takes up to 2 s.
    dvc exp run --queue -S 'train.model=fcn32s_deconv1,fcn32s_deconv5,fcn8s_deconv5,baseline' -S train.backbone=vgg16_bn \
        -S train.weights=none -S train.backbone_lr=1.0 -S train.freeze_batch_norm=false -S train.weight_decay=0.1 \
        -S train.lr=0.001 -S train.epochs=5 -S train.batch_size=8 -S train.crop=64 -S predict.tta=none
    # Those of the paper, on the backbone of params.yaml, from its weights and with its recipe.
    dvc exp run --queue -S 'train.model=fcn32s,fcn16s,fcn8s'
    dvc exp run --queue -S train.model=fcn8s -S train.upsampling=learned

    dvc exp run --run-all
    dvc exp show --md --only-changed --sort-by metrics/evaluate.json:mean_iou --sort-order desc \
        --drop '.*' --keep 'Experiment|train\.(model|backbone|upsampling|epochs|crop)$|predict\.tta|(metrics/evaluate\.json:)?(mean_iou|pixel_accuracy)$|parameters'
}

record() {
    python -m results.record "$@"
}

run=(dvc exp run evaluate)
command -v dvc >/dev/null || run=(python -m stages)

# For runs of minutes and hours: crops that show whole images, and weights that the stage `weights` fetches. The layers up
# to stride 4 keep theirs.
recipe=(-S data.root=data/dlcv2018 -S train.model=fcn8s -S train.freeze_stride=4 -S train.freeze_batch_norm=false
    -S train.steps=250 -S train.batch_size=16 -S train.lr=0.002 -S train.weight_decay=0.05 -S train.ema=0.998
    -S train.class_weights=none)

ten_minutes() {
    for seed in 0 1 2; do
        record "ten-minutes-seed-$seed" "${run[@]}" "${recipe[@]}" -S prepare.scale=0.375 -S prepare.tile=192 \
            -S train.crop=192 -S train.epochs=4 -S train.cutmix=0.5 -S "train.seed=$seed"
    done
}

# Longer, the network learns the training images by heart, which mixed crops put off, and what it lacks is detail.
of_hours=("${recipe[@]}" -S prepare.scale=0.5 -S train.crop=256 -S train.backbone=tf_efficientnet_lite2
    -S train.epochs=11 -S train.cutmix=0.75)

hour() {
    record hour "${run[@]}" "${of_hours[@]}"
}

# One network does not gain from more time; several do.
three_hours() {
    record three-hours "${run[@]}" "${of_hours[@]}" -S train.networks=3
}

# For two_cores and search: half resolution, and crops of most of such an image.
of_two_cores=(-S data.root=data/dlcv2018 -S prepare.scale=0.5
    -S train.backbone=mobilenet_v2 -S train.weights="${WEIGHTS:-imagenet}" -S train.backbone_lr=0.3
    -S train.steps=250 -S train.batch_size=16 -S train.crop=192
    -S train.freeze_batch_norm=false -S train.lr=0.002 -S train.weight_decay=0.05 -S train.ema=0.998
    -S train.class_weights=none)

two_cores() {
    # 19 minutes each on the machine of the table in docs/results.md.
    record two-cores-fcn8s "${run[@]}" -S train.model=fcn8s "${of_two_cores[@]}" -S train.epochs=15
    record two-cores-fcn16s "${run[@]}" -S train.model=fcn16s "${of_two_cores[@]}" -S train.epochs=15
    record two-cores-fcn32s "${run[@]}" -S train.model=fcn32s "${of_two_cores[@]}" -S train.epochs=15
    # 48 minutes there.
    record two-cores-fcn8s-hour "${run[@]}" -S train.model=fcn8s "${of_two_cores[@]}" -S train.epochs=40
}

search() {
    # 6 epochs, 7 minutes each there; every tenth training image validates. After the first, one change at a time.
    local short=(-S train.model=fcn8s -S train.epochs=6 -S predict.tta=none "${of_two_cores[@]}")
    short+=(-S data.split=scene -S data.holdout=10)
    record search-recipe "${run[@]}" "${short[@]}"
    record search-crop "${run[@]}" "${short[@]}" -S train.crop=256 -S train.batch_size=9
    record search-lr "${run[@]}" "${short[@]}" -S train.lr=0.004
    record search-backbone_lr "${run[@]}" "${short[@]}" -S train.backbone_lr=1.0
    record search-batch "${run[@]}" "${short[@]}" -S train.batch_size=8 -S train.steps=500 -S train.lr=0.0015
}

one_gpu() {
    # The times are estimates, not measurements: operations as `landcover models` counts them, three times as many in
    # training, at 20 TFLOPS in fp32 and 35 in bf16. GPUs of 24 GB with fast bf16 (of 2020 and later) reach these; others
    # need train.precision=fp16.
    local full=(-S data.root=data/dlcv2018 -S prepare.tile=512 -S train.crop=512 -S train.workers=8 -S predict.batch_size=8)

    # The program of 2019 as it was run: whole images without augmentation, Adam at a constant rate, nothing else. Its 50
    # epochs were passes over 2000 images, here 333 batches of 6. It chose the best epoch on the validation images, which
    # flatters its score; here the last epoch counts.
    local of_2019=("${full[@]}" -S train.epochs=50 -S train.steps=333 -S train.batch_size=6
        -S train.weights=none -S train.backbone_lr=1.0 -S train.freeze_batch_norm=false
        -S train.symmetry=none -S train.jitter=0 -S train.loss=cross_entropy -S train.class_weights=none
        -S train.optimizer=adam -S train.lr=0.001 -S train.schedule=constant -S train.warmup=0
        -S train.weight_decay=0 -S train.clip=0 -S train.ema=0)
    # 50 minutes each for the first three, 10 minutes for the last.
    record one-gpu-fcn32s_deconv1 "${run[@]}" -S train.model=fcn32s_deconv1 -S train.backbone=vgg16_bn "${of_2019[@]}"
    record one-gpu-fcn32s_deconv5 "${run[@]}" -S train.model=fcn32s_deconv5 -S train.backbone=vgg16_bn "${of_2019[@]}"
    record one-gpu-fcn8s_deconv5 "${run[@]}" -S train.model=fcn8s_deconv5 -S train.backbone=vgg16_bn "${of_2019[@]}"
    record one-gpu-baseline "${run[@]}" -S train.model=baseline "${of_2019[@]}"

    # To exceed the best scores found: ImageNet weights, all flips and rotations, 100 passes over the images.
    local long=("${full[@]}" -S train.weights=imagenet -S train.backbone_lr=1.0
        -S train.freeze_batch_norm=false -S train.epochs=100 -S train.steps=250 -S train.batch_size=8
        -S train.lr=0.0002 -S train.warmup=500 -S train.weight_decay=0.05 -S train.ema=0.999
        -S train.class_weights=none -S train.precision=bf16)
    # An hour each for the first two, two hours for the last.
    record one-gpu-fcn8s "${run[@]}" -S train.model=fcn8s -S train.backbone=vgg16_bn "${long[@]}"
    record one-gpu-fcn16s "${run[@]}" -S train.model=fcn16s -S train.backbone=vgg16_bn "${long[@]}"
    record one-gpu-deeplabv3 "${run[@]}" -S train.model=deeplabv3 -S train.backbone=resnet50 "${long[@]}"
}

quarter_gpu() {
    # Half resolution. Three decoders on EfficientNet-Lite2, from the weights that the stage `weights` fetches. The epochs
    # are those that fitted into 6 minutes with the three side by side on one GPU.
    local lite2=(-S data.root=data/dlcv2018 -S prepare.scale=0.5 -S train.backbone=tf_efficientnet_lite2
        -S train.steps=500 -S train.batch_size=32 -S train.crop=224 -S train.zoom=1.25
        -S train.lr=0.002 -S train.backbone_lr=0.3 -S train.freeze_batch_norm=false -S train.warmup=250
        -S train.weight_decay=0.1 -S train.ema=0.999 -S train.class_weights=none
        -S train.precision=bf16 -S train.workers=8 -S train.log_every=250 -S predict.batch_size=8)
    record quarter-gpu-deeplabv3plus "${run[@]}" -S train.model=deeplabv3plus "${lite2[@]}" -S train.epochs=7
    record quarter-gpu-upernet "${run[@]}" -S train.model=upernet "${lite2[@]}" -S train.epochs=6
    record quarter-gpu-fcn8s-lite2 "${run[@]}" -S train.model=fcn8s "${lite2[@]}" -S train.epochs=8

    # The paper's network with narrower fc6 and fc7: they gained a point of mean IoU on training images kept aside, on
    # which a rate twice as high made no difference. Few epochs, as each writes a checkpoint of 700 MB.
    record quarter-gpu-fcn8s "${run[@]}" -S data.root=data/dlcv2018 -S prepare.scale=0.5 \
        -S train.model=fcn8s -S train.backbone=vgg16 -S train.weights="${WEIGHTS:-imagenet}" -S train.context=1024 \
        -S train.epochs=6 -S train.steps=1000 -S train.batch_size=32 -S train.crop=224 -S train.zoom=1.25 \
        -S train.lr=0.0005 -S train.backbone_lr=0.3 -S train.freeze_batch_norm=false -S train.warmup=250 \
        -S train.weight_decay=0.05 -S train.ema=0.998 -S train.class_weights=none \
        -S train.precision=bf16 -S train.workers=8 -S predict.batch_size=8
}

case "${1-}" in
    "") embedded ;;
    ten-minutes) ten_minutes; python -m results ;;
    hour) hour; python -m results ;;
    three-hours) three_hours; python -m results ;;
    two-cores) two_cores; python -m results ;;
    search) search; python -m results ;;
    one-gpu) one_gpu; python -m results ;;
    quarter-gpu) quarter_gpu; python -m results ;;
    *) echo "usage: $0 [ten-minutes | hour | three-hours | two-cores | search | one-gpu | quarter-gpu]" >&2; exit 2 ;;
esac
