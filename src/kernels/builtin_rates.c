// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Rates that `weir bench plan --save` found on two cores of an AMD EPYC (Zen 4, DDR5), those of AMX on two of an Intel
// Xeon, in multiply-adds per second. A plan compares them with each other, so that what they say holds for processors
// that are faster or slower in everything.

#include "builtin_rates.h"

#include "../core/core.h"

static const weir_calibration
    rates[] =
        {
            {
                .isa = WEIR_ISA_GENERIC,
                .threads = 2,
                .rates =
                    {
                        [WEIR_FLOAT32] =
                            {
                                .dense =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {6.92e9, 14.6e9, 46.2e9, 77.3e9, 95.2e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {6.61e9, 17.2e9, 53e9, 83.9e9, 98.2e9},
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] = {2.17e9, 29.5e9, 66.5e9, 90.3e9, 98.2e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {3.76e9, 30.1e9, 68e9, 84.5e9, 91.2e9},
                                    },
                                .stream =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {5.21e9, 25.8e9, 34.5e9, 35.6e9, 32.3e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {3.85e9, 12.8e9, 19.2e9, 20.4e9, 24.2e9},
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] = {3.18e9, 13e9, 19e9, 20.2e9, 14.8e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {3.14e9, 11.3e9, 13.9e9, 15e9, 14.4e9},
                                    },
                                .gated =
                                    {
                                        [WEIR_OPERATION_FORWARD] =
                                            {
                                                {8.59e9, 18.7e9, 18.8e9, 18.9e9, 18.2e9},
                                                {7.81e9, 31.3e9, 35.4e9, 28.1e9, 27.3e9},
                                                {8.13e9, 28.2e9, 36.7e9, 36.2e9, 37e9},
                                                {8.16e9, 27.3e9, 38.4e9, 31.2e9, 34.2e9},
                                            },
                                        [WEIR_OPERATION_INPUT_GRADIENT] =
                                            {
                                                {2.36e9, 6.96e9, 8.31e9, 10.7e9, 9.29e9},
                                                {5.39e9, 11.1e9, 12e9, 13e9, 19.2e9},
                                                {5.26e9, 18.3e9, 19.9e9, 20.6e9, 26.4e9},
                                                {5.83e9, 21.6e9, 26.3e9, 27.8e9, 28.3e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] =
                                            {
                                                {7.63e9, 13.9e9, 16.4e9, 13.5e9, 12.6e9},
                                                {6.33e9, 20.3e9, 22.6e9, 24.8e9, 23.4e9},
                                                {4.84e9, 13.8e9, 21.3e9, 24.6e9, 24e9},
                                                {3.38e9, 13e9, 20.2e9, 23.1e9, 15.5e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_UPDATE] =
                                            {
                                                {6.51e9, 14.4e9, 18.3e9, 17.9e9, 14e9},
                                                {4.42e9, 17.3e9, 20.9e9, 24.7e9, 23.1e9},
                                                {5.55e9, 18.9e9, 21.6e9, 21.4e9, 21.2e9},
                                                {4.21e9, 13e9, 16.6e9, 16.2e9, 21e9},
                                            },
                                    },
                            },
                        [WEIR_BFLOAT16] =
                            {
                                .dense =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {7.9e9, 21.6e9, 26.7e9, 33.3e9, 34.5e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {3.55e9, 16.7e9, 21e9, 22.1e9, 22.1e9},
                                    },
                                .gated =
                                    {
                                        [WEIR_OPERATION_FORWARD] =
                                            {
                                                {8.51e9, 23.1e9, 26e9, 26.4e9, 25.7e9},
                                                {6.94e9, 25e9, 30.9e9, 33.5e9, 30.8e9},
                                                {9.54e9, 21.9e9, 31.3e9, 33.4e9, 34.4e9},
                                                {8.95e9, 21.2e9, 26.7e9, 27.3e9, 31.9e9},
                                            },
                                        [WEIR_OPERATION_INPUT_GRADIENT] =
                                            {
                                                {2.2e9, 5.82e9, 6.43e9, 6.6e9, 6.64e9},
                                                {3.59e9, 10.2e9, 9.02e9, 12.2e9, 13.4e9},
                                                {5.43e9, 14.6e9, 17.7e9, 18.8e9, 19.8e9},
                                                {6.06e9, 16.7e9, 20.7e9, 21.7e9, 22.4e9},
                                            },
                                    },
                            },
                    },
                .pair_seconds = 1.74e-10,
                .float_seconds = 6.75e-11,
            },
            {
                .isa = WEIR_ISA_AVX2,
                .threads = 2,
                .rates =
                    {
                        [WEIR_FLOAT32] =
                            {
                                .dense =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {5.62e9, 13.1e9, 42.3e9, 73.6e9, 90.3e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {6.21e9, 14.8e9, 49.8e9, 77.8e9, 90.7e9},
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] = {1.99e9, 22.6e9, 59.3e9, 82.5e9, 90.7e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {3.48e9, 30.3e9, 69.4e9, 86.5e9, 91.5e9},
                                    },
                                .stream =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {7.3e9, 34.1e9, 52.3e9, 68.2e9, 74.7e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {4.14e9, 10.4e9, 13.7e9, 36e9, 49.8e9},
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] = {5.67e9, 23.7e9, 29.4e9, 32.4e9, 32.2e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {3.55e9, 18.5e9, 26.5e9, 31.7e9, 31.9e9},
                                    },
                                .gated =
                                    {
                                        [WEIR_OPERATION_FORWARD] =
                                            {
                                                {7.88e9, 24.5e9, 34.4e9, 39.1e9, 33e9},
                                                {7.43e9, 37.5e9, 55e9, 57.9e9, 55.8e9},
                                                {6.83e9, 36.4e9, 53.2e9, 56.1e9, 59e9},
                                                {7.59e9, 40.4e9, 62.9e9, 64.6e9, 68.7e9},
                                            },
                                        [WEIR_OPERATION_INPUT_GRADIENT] =
                                            {
                                                {4.39e9, 15.2e9, 19.4e9, 20.7e9, 19.6e9},
                                                {5.81e9, 14.8e9, 18.1e9, 18.1e9, 31.2e9},
                                                {7.01e9, 22.6e9, 24.4e9, 25.1e9, 42.5e9},
                                                {6.05e9, 17.1e9, 30.5e9, 38.7e9, 52.7e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] =
                                            {
                                                {7.85e9, 25.5e9, 31.1e9, 30.7e9, 23.9e9},
                                                {5.07e9, 32.4e9, 45.3e9, 43.9e9, 35.3e9},
                                                {5.23e9, 26.6e9, 42.6e9, 46.1e9, 45.1e9},
                                                {5.36e9, 22.7e9, 38.8e9, 42e9, 39.3e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_UPDATE] =
                                            {
                                                {4.27e9, 17.9e9, 25.2e9, 28.3e9, 23.2e9},
                                                {3.61e9, 19.8e9, 34.3e9, 42.8e9, 34.7e9},
                                                {4.3e9, 23.1e9, 34.9e9, 44.1e9, 44.9e9},
                                                {4.68e9, 25.4e9, 39.1e9, 40.1e9, 37.8e9},
                                            },
                                    },
                            },
                        [WEIR_BFLOAT16] =
                            {
                                .dense =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {9.44e9, 31.9e9, 47.6e9, 64.3e9, 66.9e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {7.54e9, 31.5e9, 40.9e9, 46.1e9, 47.6e9},
                                    },
                                .gated =
                                    {
                                        [WEIR_OPERATION_FORWARD] =
                                            {
                                                {10.7e9, 28.9e9, 35e9, 36.8e9, 34.1e9},
                                                {7.55e9, 32.1e9, 50.5e9, 59.9e9, 60.1e9},
                                                {10.6e9, 32.8e9, 51.8e9, 62.2e9, 63.8e9},
                                                {10.6e9, 32.6e9, 52e9, 61.1e9, 63e9},
                                            },
                                        [WEIR_OPERATION_INPUT_GRADIENT] =
                                            {
                                                {2.31e9, 6.14e9, 8.13e9, 9.7e9, 9e9},
                                                {4.39e9, 12.1e9, 15.1e9, 17.4e9, 19.1e9},
                                                {7.04e9, 25.6e9, 36.5e9, 42.3e9, 43.4e9},
                                                {7.6e9, 29.8e9, 42.2e9, 48.2e9, 49.9e9},
                                            },
                                    },
                            },
                    },
                .pair_seconds = 2.93e-10,
                .float_seconds = 7.67e-11,
            },
            {
                .isa = WEIR_ISA_AVX512,
                .threads = 2,
                .rates =
                    {
                        [WEIR_FLOAT32] =
                            {
                                .dense =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {7.2e9, 14.4e9, 47.2e9, 74.3e9, 91.5e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {6.57e9, 14.7e9, 50.6e9, 80.9e9, 92.6e9},
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] = {2.26e9, 29.5e9, 63.4e9, 86.5e9, 96.2e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {4.07e9, 32.4e9, 74e9, 92.2e9, 96.3e9},
                                    },
                                .stream =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {8.39e9, 41.7e9, 64.4e9, 89e9, 89.4e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {6.51e9, 19.6e9, 34.9e9, 78.6e9, 98.7e9},
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] = {8.35e9, 41.3e9, 83.8e9, 92.6e9, 89.8e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {4.34e9, 25.6e9, 62e9, 89.6e9, 92.9e9},
                                    },
                                .gated =
                                    {
                                        [WEIR_OPERATION_FORWARD] =
                                            {
                                                {7.42e9, 34.1e9, 32.1e9, 33.9e9, 34.4e9},
                                                {7.03e9, 43.3e9, 77.6e9, 76e9, 72.2e9},
                                                {8.47e9, 40.8e9, 64.6e9, 73.7e9, 77.3e9},
                                                {8.45e9, 48.4e9, 78e9, 81.4e9, 85e9},
                                            },
                                        [WEIR_OPERATION_INPUT_GRADIENT] =
                                            {
                                                {4.98e9, 21e9, 29.1e9, 31.3e9, 31.2e9},
                                                {6.19e9, 20.1e9, 22.9e9, 25.1e9, 54.8e9},
                                                {7.43e9, 34.9e9, 51.4e9, 56.9e9, 90.1e9},
                                                {6.59e9, 30.5e9, 62.6e9, 80.2e9, 96e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] =
                                            {
                                                {13.5e9, 37.3e9, 43.8e9, 45.8e9, 31.9e9},
                                                {6.84e9, 77.8e9, 101e9, 106e9, 95e9},
                                                {8.53e9, 47e9, 90.6e9, 98.4e9, 99e9},
                                                {7.1e9, 38.8e9, 78.4e9, 96.7e9, 98.1e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_UPDATE] =
                                            {
                                                {7.51e9, 19.5e9, 33.3e9, 41e9, 33e9},
                                                {5.4e9, 36.3e9, 73.9e9, 99.9e9, 80.4e9},
                                                {4.05e9, 25.6e9, 67e9, 93.2e9, 102e9},
                                                {5.36e9, 31.3e9, 66.4e9, 79.4e9, 96.5e9},
                                            },
                                    },
                            },
                        [WEIR_BFLOAT16] =
                            {
                                .dense =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {12.4e9, 61.6e9, 78.6e9, 97.7e9, 101e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {6.01e9, 35.2e9, 71.5e9, 93.1e9, 98.3e9},
                                    },
                                .gated =
                                    {
                                        [WEIR_OPERATION_FORWARD] =
                                            {
                                                {16.6e9, 46.1e9, 66.1e9, 74.5e9, 62.7e9},
                                                {10.5e9, 51.1e9, 80.4e9, 94.3e9, 97.4e9},
                                                {14e9, 62e9, 88e9, 102e9, 101e9},
                                                {12.3e9, 54e9, 81.8e9, 96.1e9, 99.2e9},
                                            },
                                        [WEIR_OPERATION_INPUT_GRADIENT] =
                                            {
                                                {4.12e9, 11e9, 13.8e9, 15.5e9, 19.6e9},
                                                {5.55e9, 23.9e9, 23.8e9, 36.7e9, 51.3e9},
                                                {8.51e9, 36.7e9, 59.5e9, 81.2e9, 86.6e9},
                                                {6.71e9, 39.7e9, 70.6e9, 90e9, 102e9},
                                            },
                                    },
                            },
                    },
                .pair_seconds = 2.35e-10,
                .float_seconds = 8.87e-11,
            },
            {
                .isa = WEIR_ISA_AVX512BF16,
                .threads = 2,
                .rates =
                    {
                        [WEIR_FLOAT32] =
                            {
                                .dense =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {6.79e9, 13.3e9, 42.3e9, 73e9, 89.5e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {6.49e9, 15.9e9, 50e9, 79.4e9, 91.9e9},
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] = {2.29e9, 23.1e9, 60.3e9, 86e9, 90.9e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {3.48e9, 29.5e9, 66.6e9, 88.7e9, 90.3e9},
                                    },
                                .stream =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {7.41e9, 39e9, 63.6e9, 84.6e9, 90.5e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {5.55e9, 18.7e9, 37.5e9, 73.9e9, 93.5e9},
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] = {6.44e9, 31.6e9, 58.8e9, 84.4e9, 84.3e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {4.11e9, 24e9, 49.5e9, 72.8e9, 74.9e9},
                                    },
                                .gated =
                                    {
                                        [WEIR_OPERATION_FORWARD] =
                                            {
                                                {7.6e9, 27.8e9, 30.9e9, 33.5e9, 28.8e9},
                                                {6.66e9, 40.5e9, 65.3e9, 70.6e9, 67.4e9},
                                                {7.41e9, 38.8e9, 66.3e9, 73.2e9, 78e9},
                                                {7.04e9, 45.6e9, 74.5e9, 77.7e9, 81e9},
                                            },
                                        [WEIR_OPERATION_INPUT_GRADIENT] =
                                            {
                                                {5.1e9, 19.6e9, 27.7e9, 30.7e9, 24.3e9},
                                                {5.45e9, 19.4e9, 22.9e9, 23.2e9, 50.1e9},
                                                {6.55e9, 33.6e9, 47.2e9, 54.2e9, 81.4e9},
                                                {6.42e9, 28.4e9, 61.2e9, 77.7e9, 96.3e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] =
                                            {
                                                {10.6e9, 28.5e9, 39.8e9, 39.5e9, 29.3e9},
                                                {5.36e9, 59.5e9, 90.2e9, 88.5e9, 84.4e9},
                                                {6.34e9, 36.9e9, 75.3e9, 83.9e9, 89e9},
                                                {4.68e9, 25.4e9, 56.1e9, 84.5e9, 93.8e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_UPDATE] =
                                            {
                                                {6.1e9, 19.7e9, 34.1e9, 35.8e9, 29.3e9},
                                                {5.34e9, 37.1e9, 70.9e9, 79.9e9, 75.9e9},
                                                {4.06e9, 25.3e9, 54.7e9, 80e9, 86.4e9},
                                                {4.38e9, 24.9e9, 58.3e9, 78e9, 83.3e9},
                                            },
                                    },
                            },
                        [WEIR_BFLOAT16] =
                            {
                                .dense =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {11.2e9, 61.6e9, 103e9, 158e9, 172e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {6.97e9, 47.1e9, 107e9, 159e9, 177e9},
                                    },
                                .gated =
                                    {
                                        [WEIR_OPERATION_FORWARD] =
                                            {
                                                {11.9e9, 57.6e9, 64.7e9, 74.3e9, 64.8e9},
                                                {9.84e9, 57.8e9, 110e9, 146e9, 154e9},
                                                {13.3e9, 60.5e9, 121e9, 160e9, 172e9},
                                                {13.4e9, 63e9, 122e9, 160e9, 176e9},
                                            },
                                        [WEIR_OPERATION_INPUT_GRADIENT] =
                                            {
                                                {4.11e9, 10.1e9, 13.7e9, 15.5e9, 15.3e9},
                                                {5.86e9, 16.7e9, 27.3e9, 33.7e9, 36.6e9},
                                                {8.12e9, 38e9, 75.9e9, 105e9, 130e9},
                                                {6.9e9, 42.2e9, 101e9, 152e9, 172e9},
                                            },
                                    },
                            },
                    },
                .pair_seconds = 2.5e-10,
                .float_seconds = 7.54e-11,
            },
            {
                .isa = WEIR_ISA_AMX,
                .threads = 2,
                .rates =
                    {
                        [WEIR_FLOAT32] =
                            {
                                .dense =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {6.41e9, 15.2e9, 47.4e9, 82.6e9, 104e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {5.97e9, 12.9e9, 42.5e9, 80.2e9, 102e9},
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] = {1.83e9, 19.5e9, 56.4e9, 88.7e9, 99.7e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {4.02e9, 31.9e9, 74.6e9, 104e9, 106e9},
                                    },
                                .stream =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {7.16e9, 39.9e9, 69.8e9, 93.2e9, 94.6e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {6.17e9, 16.7e9, 31.3e9, 40.8e9, 44.1e9},
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] = {3.61e9, 33e9, 62.3e9, 66.4e9, 40.5e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {5.05e9, 34.6e9, 61e9, 67.9e9, 40.5e9},
                                    },
                                .gated =
                                    {
                                        [WEIR_OPERATION_FORWARD] =
                                            {
                                                {5.83e9, 38.3e9, 37.4e9, 39.1e9, 23.6e9},
                                                {6.47e9, 38e9, 65.8e9, 74.6e9, 49.8e9},
                                                {7.95e9, 43.6e9, 71.2e9, 84.7e9, 71.8e9},
                                                {7.99e9, 44.9e9, 76.7e9, 84.1e9, 84.5e9},
                                            },
                                        [WEIR_OPERATION_INPUT_GRADIENT] =
                                            {
                                                {5.3e9, 8.87e9, 9.1e9, 9.42e9, 9.68e9},
                                                {5.08e9, 22.2e9, 29.5e9, 29.8e9, 28.4e9},
                                                {6.66e9, 30.6e9, 74.4e9, 85.4e9, 87.9e9},
                                                {6.83e9, 30.8e9, 90.6e9, 108e9, 109e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] =
                                            {
                                                {5.41e9, 39.2e9, 39e9, 36e9, 19.6e9},
                                                {5.77e9, 53e9, 78e9, 76.7e9, 42.8e9},
                                                {7.91e9, 63e9, 81.7e9, 83e9, 44.4e9},
                                                {5.43e9, 51.9e9, 77.1e9, 77.9e9, 45.3e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_UPDATE] =
                                            {
                                                {4.54e9, 24.4e9, 33.4e9, 37.2e9, 19.4e9},
                                                {3.93e9, 32.6e9, 62.8e9, 73.8e9, 42.1e9},
                                                {5.16e9, 34.4e9, 61.9e9, 75.1e9, 43.3e9},
                                                {5.27e9, 33.1e9, 64.2e9, 76.4e9, 43e9},
                                            },
                                    },
                            },
                        [WEIR_BFLOAT16] =
                            {
                                .dense =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {9.98e9, 57e9, 153e9, 273e9, 294e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {4.58e9, 35.8e9, 107e9, 198e9, 251e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {2.78e9, 19.3e9, 54.5e9, 146e9, 190e9},
                                    },
                                .gated =
                                    {
                                        [WEIR_OPERATION_FORWARD] =
                                            {
                                                {6.96e9, 33.4e9, 45.2e9, 50.4e9, 45.7e9},
                                                {8.55e9, 36.5e9, 54.7e9, 62.6e9, 61.4e9},
                                                {10.7e9, 65.8e9, 139e9, 163e9, 188e9},
                                                {11.1e9, 79e9, 179e9, 268e9, 277e9},
                                            },
                                        [WEIR_OPERATION_INPUT_GRADIENT] =
                                            {
                                                {2.43e9, 5.54e9, 6.96e9, 7.81e9, 7.18e9},
                                                {2.7e9, 16.2e9, 22.3e9, 23.7e9, 24.9e9},
                                                {7.01e9, 45.1e9, 73.4e9, 86.2e9, 94.1e9},
                                                {6.81e9, 53.7e9, 114e9, 194e9, 223e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_UPDATE] =
                                            {
                                                {2.73e9, 17.9e9, 29.1e9, 35e9, 20.7e9},
                                                {2.6e9, 20.6e9, 49.3e9, 67.8e9, 40.9e9},
                                                {2.78e9, 19.4e9, 42.5e9, 119e9, 168e9},
                                                {2.93e9, 20e9, 54.3e9, 151e9, 203e9},
                                            },
                                    },
                            },
                    },
                .pair_seconds = 2.35e-10,
                .float_seconds = 1.11e-10,
            },
};

const weir_calibration *weir__builtin_rates(weir_isa isa) {
    size_t best = 0; // they ascend
    for (size_t k = 0; k < sizeof rates / sizeof *rates; k++) {
        if (rates[k].isa <= isa) best = k;
    }
    return &rates[best];
}
