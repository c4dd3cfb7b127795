#!/bin/sh
# What the trainer makes of a GPU, in at most ten minutes: correctness, speed beside open_clip where it is installed, the
# loader alone. Needs torch with CUDA, timm, transformers, safetensors, pyarrow and Pillow; nothing is downloaded.
#     benchmarks/gpu.sh [--minutes 10]
set -eu
cd "$(dirname "$0")/.."
exec "${PYTHON:-python3}" -m benchmarks.gpu "$@"
