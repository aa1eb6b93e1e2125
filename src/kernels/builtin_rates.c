// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Rates that `weir bench plan --save` found on two cores of AMD EPYCs, medians of several runs, in multiply-adds per
// second: of generic and avx2 on Zen 3, of the others on Zen 4 (those of amx on an Intel Xeon, Sapphire Rapids). A plan
// compares them with each other, so that what they say holds for processors that are faster or slower in everything.

#include "builtin_rates.h"

#include "../core/core.h"

// The formatter would give each brace a line of its own.
// clang-format off
static const weir_calibration rates[] = {
    {.isa = WEIR_ISA_GENERIC, .threads = 2, .pair_seconds = 1.77e-10, .float_seconds = 1.01e-10, .rates = {
        [WEIR_FLOAT32] = {
            .dense = {
                [WEIR_OPERATION_FORWARD] = {7.54e9, 25.4e9, 56.1e9, 74.9e9, 85.4e9},
                [WEIR_OPERATION_INPUT_GRADIENT] = {5.5e9, 28.9e9, 58.5e9, 78.3e9, 84.3e9},
                [WEIR_OPERATION_WEIGHT_GRADIENT] = {1.91e9, 15.2e9, 45.7e9, 71.2e9, 81.6e9},
                [WEIR_OPERATION_WEIGHT_UPDATE] = {3.75e9, 25.2e9, 68.8e9, 82.8e9, 85.1e9},
            },
            .stream = {
                [WEIR_OPERATION_FORWARD] = {6.95e9, 27.6e9, 29.1e9, 32.7e9, 32.3e9},
                [WEIR_OPERATION_INPUT_GRADIENT] = {4.05e9, 18.3e9, 24.2e9, 22.6e9, 23.2e9},
                [WEIR_OPERATION_WEIGHT_GRADIENT] = {2.62e9, 10.6e9, 16.2e9, 17e9, 15.9e9},
                [WEIR_OPERATION_WEIGHT_UPDATE] = {1.69e9, 13e9, 19.6e9, 21.3e9, 20.4e9},
            },
            .gated = {
                [WEIR_OPERATION_FORWARD] = {
                    {8e9, 16.3e9, 16.4e9, 15.8e9, 15.4e9}, {7.97e9, 22.1e9, 24.6e9, 23.5e9, 23e9},
                    {7.53e9, 23.6e9, 24.4e9, 24.2e9, 24e9}, {7.64e9, 26.2e9, 33.1e9, 31.2e9, 30.6e9}},
                [WEIR_OPERATION_INPUT_GRADIENT] = {
                    {3.11e9, 7.18e9, 9.31e9, 10.5e9, 9.05e9}, {3.34e9, 9.52e9, 10.2e9, 9.85e9, 10.4e9},
                    {5.07e9, 15.7e9, 18.4e9, 22.8e9, 24.5e9}, {2.98e9, 19.6e9, 23.7e9, 27.4e9, 28.1e9}},
                [WEIR_OPERATION_WEIGHT_GRADIENT] = {
                    {8.7e9, 17.7e9, 17.7e9, 14.9e9, 13.2e9}, {6.48e9, 16.6e9, 18.4e9, 18.9e9, 18e9},
                    {4.11e9, 12.9e9, 17.4e9, 19.2e9, 18.5e9}, {3.02e9, 11.2e9, 17.2e9, 18.1e9, 17.6e9}},
                [WEIR_OPERATION_WEIGHT_UPDATE] = {
                    {4.63e9, 13.5e9, 17.1e9, 14.8e9, 14.6e9}, {3.62e9, 13.5e9, 19e9, 16.4e9, 24.1e9},
                    {2.91e9, 14.9e9, 21e9, 21.3e9, 28e9}, {1.67e9, 13.6e9, 19.5e9, 21.4e9, 27e9}},
            },
        },
        [WEIR_BFLOAT16] = {
            .dense = {
                [WEIR_OPERATION_FORWARD] = {9.61e9, 25.7e9, 25.3e9, 27.5e9, 29.9e9},
                [WEIR_OPERATION_INPUT_GRADIENT] = {3.7e9, 17.1e9, 25.6e9, 29e9, 29.2e9},
                [WEIR_OPERATION_WEIGHT_UPDATE] = {1.32e9, 7.27e9, 17.9e9, 24.6e9, 27.3e9},
            },
            .gated = {
                [WEIR_OPERATION_FORWARD] = {
                    {7.51e9, 19.6e9, 21.3e9, 21.9e9, 20.2e9}, {12.2e9, 25.2e9, 26.4e9, 13.7e9, 13.5e9},
                    {9.75e9, 25.5e9, 26.5e9, 24.7e9, 24.6e9}, {9.9e9, 25.6e9, 25.8e9, 28.9e9, 28.9e9}},
                [WEIR_OPERATION_INPUT_GRADIENT] = {
                    {2.24e9, 4.4e9, 4.81e9, 4.99e9, 4.77e9}, {3.3e9, 11.8e9, 13.6e9, 14.1e9, 14.2e9},
                    {3.77e9, 15.6e9, 21.8e9, 23.2e9, 24.2e9}, {3.83e9, 16.8e9, 24.8e9, 28.3e9, 28.6e9}},
                [WEIR_OPERATION_WEIGHT_UPDATE] = {
                    {1.8e9, 8.7e9, 14.5e9, 13.6e9, 13.9e9}, {1.76e9, 9.16e9, 14.7e9, 17.7e9, 21.1e9},
                    {1.33e9, 7.51e9, 16.1e9, 20.9e9, 24.5e9}, {1.31e9, 7.53e9, 17.2e9, 24.2e9, 27.4e9}},
            },
        },
    }},
    {.isa = WEIR_ISA_AVX2, .threads = 2, .pair_seconds = 1.97e-10, .float_seconds = 1.09e-10, .rates = {
        [WEIR_FLOAT32] = {
            .dense = {
                [WEIR_OPERATION_FORWARD] = {8.09e9, 27.9e9, 59.4e9, 80e9, 87e9},
                [WEIR_OPERATION_INPUT_GRADIENT] = {5.22e9, 27.5e9, 58.2e9, 78.7e9, 84.4e9},
                [WEIR_OPERATION_WEIGHT_GRADIENT] = {1.84e9, 14.9e9, 46.2e9, 72.6e9, 79.9e9},
                [WEIR_OPERATION_WEIGHT_UPDATE] = {3.61e9, 24.9e9, 64.8e9, 83.6e9, 84.4e9},
            },
            .stream = {
                [WEIR_OPERATION_FORWARD] = {8.15e9, 41.2e9, 79.7e9, 71.7e9, 71.6e9},
                [WEIR_OPERATION_INPUT_GRADIENT] = {3.54e9, 28.4e9, 51.4e9, 51.4e9, 56.2e9},
                [WEIR_OPERATION_WEIGHT_GRADIENT] = {5.49e9, 18.4e9, 34.3e9, 35.8e9, 34e9},
                [WEIR_OPERATION_WEIGHT_UPDATE] = {3.48e9, 32.1e9, 53.8e9, 60.4e9, 53.7e9},
            },
            .gated = {
                [WEIR_OPERATION_FORWARD] = {
                    {7.01e9, 36.3e9, 36.4e9, 33.5e9, 30.4e9}, {8.06e9, 36.8e9, 42.8e9, 40.9e9, 39.4e9},
                    {7.99e9, 37e9, 43.6e9, 43e9, 42.7e9}, {8.13e9, 45.2e9, 74e9, 62.6e9, 63.9e9}},
                [WEIR_OPERATION_INPUT_GRADIENT] = {
                    {5.26e9, 12.8e9, 14.2e9, 17.2e9, 15.8e9}, {5.26e9, 18.9e9, 21.2e9, 18e9, 21.2e9},
                    {6.44e9, 31e9, 41.4e9, 63e9, 67.4e9}, {3.5e9, 23.6e9, 51.5e9, 76.8e9, 80.3e9}},
                [WEIR_OPERATION_WEIGHT_GRADIENT] = {
                    {10.7e9, 35.9e9, 28.8e9, 25.6e9, 24.5e9}, {9.99e9, 40.7e9, 44.6e9, 43.6e9, 43.3e9},
                    {8.33e9, 25.6e9, 40.8e9, 45.7e9, 44.7e9}, {7.19e9, 19.8e9, 36.6e9, 43.2e9, 41.4e9}},
                [WEIR_OPERATION_WEIGHT_UPDATE] = {
                    {6.59e9, 28.9e9, 27e9, 26.1e9, 27e9}, {6.72e9, 32.3e9, 45.5e9, 38.7e9, 55.6e9},
                    {4.53e9, 31.5e9, 54.1e9, 60.3e9, 70.2e9}, {3.36e9, 32e9, 55.5e9, 62.9e9, 67.6e9}},
            },
        },
        [WEIR_BFLOAT16] = {
            .dense = {
                [WEIR_OPERATION_FORWARD] = {13.2e9, 59.1e9, 58.7e9, 78.2e9, 88.8e9},
                [WEIR_OPERATION_INPUT_GRADIENT] = {5.52e9, 37.1e9, 70.3e9, 83.1e9, 86.9e9},
                [WEIR_OPERATION_WEIGHT_UPDATE] = {1.37e9, 9.43e9, 54.8e9, 70.5e9, 74.6e9},
            },
            .gated = {
                [WEIR_OPERATION_FORWARD] = {
                    {10.4e9, 30.5e9, 34.5e9, 33.3e9, 31.2e9}, {13.1e9, 57.1e9, 63.5e9, 63.5e9, 61.5e9},
                    {13.3e9, 58.5e9, 64.6e9, 69.3e9, 69.1e9}, {13.6e9, 59e9, 64.7e9, 84.2e9, 86.3e9}},
                [WEIR_OPERATION_INPUT_GRADIENT] = {
                    {3.07e9, 7.17e9, 8.94e9, 10.1e9, 9.97e9}, {6.18e9, 23.9e9, 29.3e9, 31.6e9, 27e9},
                    {7.54e9, 36.3e9, 57.3e9, 64.8e9, 69.9e9}, {5.83e9, 38e9, 68.4e9, 81.4e9, 84.9e9}},
                [WEIR_OPERATION_WEIGHT_UPDATE] = {
                    {1.97e9, 10.7e9, 19.7e9, 23.5e9, 24.5e9}, {1.97e9, 12.7e9, 28.1e9, 37.8e9, 47.7e9},
                    {1.34e9, 9.45e9, 44.2e9, 56.2e9, 62.6e9}, {1.4e9, 9.53e9, 52.5e9, 70.3e9, 73.8e9}},
            },
        },
    }},
    {.isa = WEIR_ISA_AVX512, .threads = 2, .pair_seconds = 2.33e-10, .float_seconds = 7.35e-11, .rates = {
        [WEIR_FLOAT32] = {
            .dense = {
                [WEIR_OPERATION_FORWARD] = {6.54e9, 17.5e9, 46.3e9, 76.8e9, 88.8e9},
                [WEIR_OPERATION_INPUT_GRADIENT] = {4.93e9, 17.7e9, 54e9, 78.7e9, 90.7e9},
                [WEIR_OPERATION_WEIGHT_GRADIENT] = {6.08e9, 20.8e9, 58.1e9, 81.3e9, 85.9e9},
                [WEIR_OPERATION_WEIGHT_UPDATE] = {3.67e9, 27.1e9, 69.4e9, 87.9e9, 90.7e9},
            },
            .stream = {
                [WEIR_OPERATION_FORWARD] = {7.2e9, 37.7e9, 89.5e9, 86.1e9, 89.6e9},
                [WEIR_OPERATION_INPUT_GRADIENT] = {6.08e9, 29.8e9, 65.7e9, 93.7e9, 100e9},
                [WEIR_OPERATION_WEIGHT_GRADIENT] = {7.25e9, 33.5e9, 71.6e9, 87.6e9, 85.3e9},
                [WEIR_OPERATION_WEIGHT_UPDATE] = {6.1e9, 38.2e9, 79.4e9, 96.3e9, 92.5e9},
            },
            .gated = {
                [WEIR_OPERATION_FORWARD] = {
                    {7.28e9, 31.5e9, 33e9, 34.9e9, 31.9e9}, {6.53e9, 41.9e9, 67.7e9, 74e9, 71.6e9},
                    {7.6e9, 40e9, 70e9, 75.2e9, 80.3e9}, {7.86e9, 45.3e9, 77.5e9, 79.3e9, 85.6e9}},
                [WEIR_OPERATION_INPUT_GRADIENT] = {
                    {5.11e9, 20.6e9, 30.1e9, 30.2e9, 27.7e9}, {4.74e9, 21.3e9, 25.2e9, 30.1e9, 37.5e9},
                    {5.49e9, 34.6e9, 59.1e9, 71e9, 76.7e9}, {5.41e9, 29.4e9, 63.2e9, 91.2e9, 96.9e9}},
                [WEIR_OPERATION_WEIGHT_GRADIENT] = {
                    {8.16e9, 31.4e9, 41.9e9, 40.7e9, 30.3e9}, {5.17e9, 60.6e9, 90.5e9, 96.7e9, 77.6e9},
                    {6.59e9, 50.5e9, 85.1e9, 95.2e9, 93.8e9}, {5.76e9, 27.7e9, 61e9, 88.4e9, 95e9}},
                [WEIR_OPERATION_WEIGHT_UPDATE] = {
                    {7.48e9, 30e9, 39.2e9, 42.4e9, 42.4e9}, {6.09e9, 35.6e9, 70.6e9, 77e9, 92.7e9},
                    {5.9e9, 38.2e9, 78.7e9, 92.1e9, 99.3e9}, {5.59e9, 36.8e9, 80.3e9, 97.1e9, 101e9}},
            },
        },
        [WEIR_BFLOAT16] = {
            .dense = {
                [WEIR_OPERATION_FORWARD] = {11e9, 84.3e9, 97.9e9, 92.6e9, 99.8e9},
                [WEIR_OPERATION_INPUT_GRADIENT] = {9.07e9, 44.9e9, 74.5e9, 90.8e9, 99.6e9},
                [WEIR_OPERATION_WEIGHT_UPDATE] = {2.42e9, 16.9e9, 53.1e9, 83.7e9, 88.6e9},
            },
            .gated = {
                [WEIR_OPERATION_FORWARD] = {
                    {10.8e9, 51e9, 60.7e9, 62.4e9, 57e9}, {13.5e9, 77.9e9, 86.3e9, 93.1e9, 93.3e9},
                    {11e9, 80.6e9, 93e9, 59.2e9, 61.6e9}, {11.5e9, 84.1e9, 96.2e9, 99.6e9, 105e9}},
                [WEIR_OPERATION_INPUT_GRADIENT] = {
                    {4.06e9, 11.7e9, 16.8e9, 17.1e9, 17e9}, {7.36e9, 31.2e9, 44.6e9, 51.7e9, 49e9},
                    {8.99e9, 40.5e9, 64.7e9, 84.4e9, 79.8e9}, {11.7e9, 56.6e9, 80.9e9, 92.3e9, 94.2e9}},
                [WEIR_OPERATION_WEIGHT_UPDATE] = {
                    {3.71e9, 16.3e9, 29.6e9, 36.2e9, 38.4e9}, {2.99e9, 22e9, 53.5e9, 78.1e9, 85.7e9},
                    {2.51e9, 17.6e9, 52.9e9, 73.5e9, 76.8e9}, {2.56e9, 19.4e9, 60.7e9, 85.5e9, 89e9}},
            },
        },
    }},
    {.isa = WEIR_ISA_AVX512BF16, .threads = 2, .pair_seconds = 2.15e-10, .float_seconds = 7.53e-11, .rates = {
        [WEIR_FLOAT32] = {
            .dense = {
                [WEIR_OPERATION_FORWARD] = {6.05e9, 17e9, 43.7e9, 74.3e9, 87.7e9},
                [WEIR_OPERATION_INPUT_GRADIENT] = {4.86e9, 19.3e9, 52e9, 79.9e9, 90.1e9},
                [WEIR_OPERATION_WEIGHT_GRADIENT] = {4.41e9, 19.9e9, 57.1e9, 83.5e9, 85.3e9},
                [WEIR_OPERATION_WEIGHT_UPDATE] = {4.31e9, 26.9e9, 69.2e9, 87.9e9, 90.5e9},
            },
            .stream = {
                [WEIR_OPERATION_FORWARD] = {6.96e9, 38.6e9, 88.8e9, 83.5e9, 91.8e9},
                [WEIR_OPERATION_INPUT_GRADIENT] = {5.51e9, 28.8e9, 64.2e9, 93.9e9, 99.7e9},
                [WEIR_OPERATION_WEIGHT_GRADIENT] = {7.04e9, 32.4e9, 66.2e9, 83.9e9, 82.3e9},
                [WEIR_OPERATION_WEIGHT_UPDATE] = {6.17e9, 38.1e9, 81.7e9, 93.7e9, 94.6e9},
            },
            .gated = {
                [WEIR_OPERATION_FORWARD] = {
                    {7.53e9, 30.4e9, 33.7e9, 35.7e9, 33.2e9}, {6.17e9, 44.5e9, 70.4e9, 76.6e9, 70e9},
                    {7.25e9, 40.2e9, 68.2e9, 77.3e9, 78.4e9}, {7.38e9, 44.7e9, 76.5e9, 79.8e9, 84.2e9}},
                [WEIR_OPERATION_INPUT_GRADIENT] = {
                    {5.15e9, 20.7e9, 30.1e9, 33.1e9, 26.9e9}, {4.28e9, 19.5e9, 25.6e9, 29.9e9, 37.2e9},
                    {5.52e9, 35.4e9, 67.4e9, 74.4e9, 79.1e9}, {5.3e9, 28.9e9, 87e9, 95e9, 95.2e9}},
                [WEIR_OPERATION_WEIGHT_GRADIENT] = {
                    {8.53e9, 31.1e9, 40.6e9, 41.3e9, 29.4e9}, {5.13e9, 52.6e9, 87.3e9, 89.4e9, 80.5e9},
                    {7.23e9, 45.2e9, 82.3e9, 92.3e9, 92.4e9}, {5.75e9, 28.1e9, 58.7e9, 86.8e9, 90.6e9}},
                [WEIR_OPERATION_WEIGHT_UPDATE] = {
                    {7.05e9, 30.1e9, 36.7e9, 42.5e9, 43.4e9}, {5.76e9, 38e9, 72e9, 80.8e9, 94.8e9},
                    {6.15e9, 41.1e9, 78.1e9, 87.7e9, 99.4e9}, {5.89e9, 37.9e9, 74.8e9, 88e9, 97.6e9}},
            },
        },
        [WEIR_BFLOAT16] = {
            .dense = {
                [WEIR_OPERATION_FORWARD] = {11.8e9, 104e9, 162e9, 166e9, 188e9},
                [WEIR_OPERATION_INPUT_GRADIENT] = {9.53e9, 58.5e9, 122e9, 169e9, 183e9},
                [WEIR_OPERATION_WEIGHT_UPDATE] = {2.78e9, 19.1e9, 73.1e9, 146e9, 157e9},
            },
            .gated = {
                [WEIR_OPERATION_FORWARD] = {
                    {11.9e9, 63.6e9, 75.7e9, 80.6e9, 70.2e9}, {13.3e9, 99.4e9, 162e9, 166e9, 157e9},
                    {12.5e9, 107e9, 160e9, 165e9, 168e9}, {12.1e9, 104e9, 161e9, 186e9, 195e9}},
                [WEIR_OPERATION_INPUT_GRADIENT] = {
                    {4.33e9, 13.1e9, 16.5e9, 18.5e9, 17.4e9}, {9.58e9, 44.6e9, 57.3e9, 70.7e9, 67.9e9},
                    {9.41e9, 51.7e9, 110e9, 140e9, 137e9}, {11.9e9, 68.2e9, 130e9, 167e9, 177e9}},
                [WEIR_OPERATION_WEIGHT_UPDATE] = {
                    {4.65e9, 19e9, 32e9, 39.6e9, 41.4e9}, {3.52e9, 25.1e9, 56.1e9, 83.2e9, 90.8e9},
                    {2.79e9, 20e9, 80.1e9, 124e9, 121e9}, {2.77e9, 20.8e9, 90.5e9, 144e9, 156e9}},
            },
        },
    }},
    {.isa = WEIR_ISA_AMX, .threads = 2, .pair_seconds = 2.8e-10, .float_seconds = 1.11e-10, .rates = {
        [WEIR_FLOAT32] = {
            .dense = {
                [WEIR_OPERATION_FORWARD] = {6.8e9, 19.7e9, 50.6e9, 80.8e9, 95e9},
                [WEIR_OPERATION_INPUT_GRADIENT] = {5.23e9, 15.8e9, 44.5e9, 76.7e9, 87.7e9},
                [WEIR_OPERATION_WEIGHT_GRADIENT] = {1.95e9, 15.8e9, 50e9, 77.9e9, 90.5e9},
                [WEIR_OPERATION_WEIGHT_UPDATE] = {4.18e9, 27.6e9, 68.7e9, 88e9, 98.4e9},
            },
            .stream = {
                [WEIR_OPERATION_FORWARD] = {7.69e9, 39.4e9, 69.3e9, 93.5e9, 92.4e9},
                [WEIR_OPERATION_INPUT_GRADIENT] = {6.19e9, 17.1e9, 31.5e9, 43e9, 45.4e9},
                [WEIR_OPERATION_WEIGHT_GRADIENT] = {4.86e9, 36.5e9, 62.8e9, 65.7e9, 38.9e9},
                [WEIR_OPERATION_WEIGHT_UPDATE] = {4.95e9, 32.4e9, 57.4e9, 63.7e9, 44.4e9},
            },
            .gated = {
                [WEIR_OPERATION_FORWARD] = {
                    {6e9, 38.3e9, 38.5e9, 40.3e9, 40.5e9}, {6.76e9, 40.6e9, 65.8e9, 76.4e9, 54.2e9},
                    {8.74e9, 46.5e9, 73.3e9, 86.2e9, 75e9}, {8.53e9, 45.5e9, 78.3e9, 88.7e9, 90.7e9}},
                [WEIR_OPERATION_INPUT_GRADIENT] = {
                    {5.5e9, 9.08e9, 9.31e9, 9.76e9, 9.5e9}, {4.58e9, 22.9e9, 28.9e9, 26.9e9, 28.5e9},
                    {6.84e9, 31e9, 78.7e9, 84.4e9, 90.3e9}, {6.63e9, 31.9e9, 90.9e9, 108e9, 114e9}},
                [WEIR_OPERATION_WEIGHT_GRADIENT] = {
                    {5.79e9, 40.4e9, 36.9e9, 36.7e9, 20.9e9}, {6.2e9, 55.6e9, 77.2e9, 75.3e9, 42.3e9},
                    {8.29e9, 64.8e9, 79.3e9, 79.9e9, 44.1e9}, {4.82e9, 45.7e9, 73.2e9, 81.8e9, 50.3e9}},
                [WEIR_OPERATION_WEIGHT_UPDATE] = {
                    {4.36e9, 24.8e9, 33.9e9, 37e9, 39.5e9}, {4.28e9, 35.3e9, 71.6e9, 92.7e9, 83.3e9},
                    {5.11e9, 33.9e9, 72.6e9, 79.5e9, 82.2e9}, {5.33e9, 34.7e9, 64.6e9, 77.6e9, 77.4e9}},
            },
        },
        [WEIR_BFLOAT16] = {
            .dense = {
                [WEIR_OPERATION_FORWARD] = {10.2e9, 60.9e9, 156e9, 281e9, 307e9},
                [WEIR_OPERATION_INPUT_GRADIENT] = {4.67e9, 34.7e9, 105e9, 201e9, 257e9},
                [WEIR_OPERATION_WEIGHT_UPDATE] = {2.81e9, 19.9e9, 58.8e9, 157e9, 196e9},
            },
            .gated = {
                [WEIR_OPERATION_FORWARD] = {
                    {6.89e9, 34.4e9, 47e9, 51.3e9, 46.9e9}, {8.88e9, 37.6e9, 53.2e9, 64.3e9, 61.6e9},
                    {10.9e9, 65.5e9, 146e9, 171e9, 189e9}, {11.4e9, 77.6e9, 183e9, 277e9, 291e9}},
                [WEIR_OPERATION_INPUT_GRADIENT] = {
                    {2.46e9, 5.56e9, 6.86e9, 7.62e9, 6.97e9}, {2.51e9, 16e9, 21.8e9, 23.9e9, 24.8e9},
                    {7.11e9, 44.5e9, 69.5e9, 87.2e9, 94e9}, {6.95e9, 57.3e9, 119e9, 195e9, 226e9}},
                [WEIR_OPERATION_WEIGHT_UPDATE] = {
                    {2.81e9, 16.4e9, 29.6e9, 34.3e9, 41.9e9}, {2.84e9, 21.1e9, 49.4e9, 69.8e9, 81.9e9},
                    {2.78e9, 20.5e9, 40.7e9, 122e9, 174e9}, {2.84e9, 20.3e9, 54.6e9, 155e9, 200e9}},
            },
        },
    }},
};
// clang-format on

const weir_calibration *weir__builtin_rates(weir_isa isa) {
    size_t best = 0; // they ascend
    for (size_t k = 0; k < sizeof rates / sizeof *rates; k++) {
        if (rates[k].isa <= isa) best = k;
    }
    return &rates[best];
}
