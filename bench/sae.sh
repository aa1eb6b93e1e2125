#!/bin/sh
# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
#
# bench/sae.sh [--json] [--ways weir,plain,…] [--data FILE.npy] …: one training step of a sparse autoencoder, 384 to
# 32768 features, k 32, batch 1024, two threads, by weir and by PyTorch, in turns in one run (bench/peers/torch_sae.py has
# the options). WEIR_PYTHON: a Python with numpy, cffi and torch. WEIR_LIBRARY: the library, else build/libweir.so.
set -eu
cd "$(dirname "$0")/.."
export PYTHONPATH=python PYTHONDONTWRITEBYTECODE=1
exec "${WEIR_PYTHON:-python3}" bench/peers/torch_sae.py "$@"
