// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Rates that `weir bench plan --save` found on two cores of an Intel Xeon (Sapphire Rapids; those of avx512bf16, the
// best that it has, of an AMD EPYC of the Zen 4 family), medians of several runs, in multiply-adds per second. A plan
// compares them with each other, so that what they say holds for processors that are faster or slower in everything.

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
                                        [WEIR_OPERATION_FORWARD] = {6.15e9, 17.9e9, 48.9e9, 78e9, 87.5e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {4.96e9, 15.7e9, 43.2e9, 73.5e9, 83.9e9},
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] = {1.91e9, 15.9e9, 49.6e9, 75.6e9, 83.3e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {4.11e9, 27.7e9, 63.9e9, 82e9, 87.1e9},
                                    },
                                .stream =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {7.13e9, 16.3e9, 18.2e9, 17.5e9, 17.6e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {2.04e9, 4.63e9, 6.4e9, 6.95e9, 6.83e9},
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] = {1.42e9, 9.76e9, 10.5e9, 9.97e9, 6.13e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {2.86e9, 7.91e9, 9.97e9, 9.77e9, 6.83e9},
                                    },
                                .gated =
                                    {
                                        [WEIR_OPERATION_FORWARD] =
                                            {
                                                {5.41e9, 15.5e9, 15.2e9, 14.8e9, 14.1e9},
                                                {6.16e9, 16.1e9, 17.9e9, 17.8e9, 17.4e9},
                                                {7.82e9, 16.3e9, 18e9, 18.4e9, 17.9e9},
                                                {7.46e9, 16.6e9, 17.2e9, 17.4e9, 17.6e9},
                                            },
                                        [WEIR_OPERATION_INPUT_GRADIENT] =
                                            {
                                                {1.59e9, 3.35e9, 4.11e9, 4.35e9, 3.99e9},
                                                {2.09e9, 4.78e9, 6e9, 6.02e9, 4.46e9},
                                                {4.7e9, 13.5e9, 12.3e9, 13.5e9, 13.5e9},
                                                {4.25e9, 11.6e9, 14.5e9, 16.1e9, 15.9e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] =
                                            {
                                                {2.88e9, 10.5e9, 11.5e9, 9.92e9, 6.74e9},
                                                {3.06e9, 9.99e9, 11.7e9, 11.3e9, 6.99e9},
                                                {2.52e9, 10.7e9, 12.1e9, 11.4e9, 7.21e9},
                                                {1.28e9, 9.01e9, 11.8e9, 11.3e9, 7.23e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_UPDATE] =
                                            {
                                                {3.05e9, 8.84e9, 10.3e9, 9.38e9, 11.3e9},
                                                {2.72e9, 8.26e9, 11e9, 10.7e9, 11.8e9},
                                                {2.74e9, 8.28e9, 10.7e9, 10.8e9, 11.7e9},
                                                {2.81e9, 8.29e9, 10.7e9, 10.9e9, 11.3e9},
                                            },
                                    },
                            },
                        [WEIR_BFLOAT16] =
                            {
                                .dense =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {5.94e9, 11.4e9, 12.2e9, 10.8e9, 11.2e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {2.69e9, 8.46e9, 10.6e9, 11.4e9, 11.7e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {1.7e9, 7.15e9, 9.97e9, 11e9, 11e9},
                                    },
                                .gated =
                                    {
                                        [WEIR_OPERATION_FORWARD] =
                                            {
                                                {4.81e9, 10.5e9, 11.2e9, 11.3e9, 10.9e9},
                                                {4e9, 11.5e9, 12.9e9, 8.61e9, 8.69e9},
                                                {6.5e9, 11.7e9, 13.8e9, 11.1e9, 11e9},
                                                {6.45e9, 11.7e9, 13.3e9, 11e9, 11.3e9},
                                            },
                                        [WEIR_OPERATION_INPUT_GRADIENT] =
                                            {
                                                {1.01e9, 1.8e9, 1.94e9, 2.03e9, 1.85e9},
                                                {2.36e9, 6.21e9, 7.45e9, 7.77e9, 7.87e9},
                                                {3.01e9, 8.34e9, 9.79e9, 10.6e9, 10.6e9},
                                                {2.98e9, 8.72e9, 10.4e9, 11.4e9, 11.5e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_UPDATE] =
                                            {
                                                {2.1e9, 7.59e9, 9.95e9, 9.4e9, 11.4e9},
                                                {1.96e9, 7.19e9, 10.3e9, 10.5e9, 11.9e9},
                                                {1.97e9, 7.31e9, 8.96e9, 9.9e9, 10e9},
                                                {1.92e9, 7.4e9, 9.81e9, 10.8e9, 11.1e9},
                                            },
                                    },
                            },
                    },
                .pair_seconds = 3.06e-10,
                .float_seconds = 1.2e-10,
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
                                        [WEIR_OPERATION_FORWARD] = {6.68e9, 19.5e9, 49.4e9, 78.7e9, 88.9e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {5.57e9, 15.9e9, 44.7e9, 75.3e9, 88.5e9},
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] = {1.92e9, 16.9e9, 51.4e9, 77.1e9, 86.8e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {4.08e9, 26.4e9, 67.1e9, 83.8e9, 89.8e9},
                                    },
                                .stream =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {7.41e9, 30.7e9, 40.7e9, 57.6e9, 56.1e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {2.91e9, 9e9, 15.8e9, 19.3e9, 19.2e9},
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] = {2.76e9, 20.5e9, 28.5e9, 26e9, 16.1e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {4.15e9, 15.3e9, 23.7e9, 25.1e9, 17.8e9},
                                    },
                                .gated =
                                    {
                                        [WEIR_OPERATION_FORWARD] =
                                            {
                                                {5.93e9, 28.4e9, 28.3e9, 28.5e9, 27.9e9},
                                                {6.91e9, 31e9, 39.1e9, 40.5e9, 36.7e9},
                                                {9.03e9, 33.1e9, 40.7e9, 43.9e9, 42.6e9},
                                                {8.12e9, 34.3e9, 50.6e9, 53.8e9, 55.3e9},
                                            },
                                        [WEIR_OPERATION_INPUT_GRADIENT] =
                                            {
                                                {3.03e9, 6.75e9, 8.41e9, 8.88e9, 8.05e9},
                                                {3.37e9, 9.75e9, 12.6e9, 12.4e9, 9.81e9},
                                                {6.32e9, 28.8e9, 36.6e9, 38.7e9, 41.2e9},
                                                {4.09e9, 22.1e9, 46.4e9, 52.1e9, 53.2e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] =
                                            {
                                                {4e9, 23.1e9, 23.9e9, 21.6e9, 14.8e9},
                                                {6.02e9, 27.3e9, 34.5e9, 34.8e9, 18.7e9},
                                                {5.82e9, 29.7e9, 35.1e9, 34.4e9, 18.8e9},
                                                {1.53e9, 21.2e9, 32.8e9, 33.3e9, 19.2e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_UPDATE] =
                                            {
                                                {3.74e9, 16.6e9, 21.8e9, 20.2e9, 24.3e9},
                                                {4.76e9, 17.9e9, 28.8e9, 30.7e9, 34.2e9},
                                                {4.52e9, 20e9, 27.6e9, 31.1e9, 32.5e9},
                                                {4.37e9, 19.4e9, 29.4e9, 31e9, 31.9e9},
                                            },
                                    },
                            },
                        [WEIR_BFLOAT16] =
                            {
                                .dense =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {10.1e9, 23.7e9, 29.3e9, 29.2e9, 30.9e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {4.05e9, 17.8e9, 26.3e9, 30.7e9, 31e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {2.38e9, 12.1e9, 22e9, 28.1e9, 28.7e9},
                                    },
                                .gated =
                                    {
                                        [WEIR_OPERATION_FORWARD] =
                                            {
                                                {5.25e9, 18.8e9, 22e9, 23.2e9, 22e9},
                                                {6.29e9, 23.5e9, 32.7e9, 37.2e9, 36.3e9},
                                                {10.3e9, 25.1e9, 33.1e9, 30.7e9, 31.5e9},
                                                {10.6e9, 24.5e9, 33e9, 31e9, 31.8e9},
                                            },
                                        [WEIR_OPERATION_INPUT_GRADIENT] =
                                            {
                                                {1.5e9, 3.14e9, 3.84e9, 4.14e9, 3.86e9},
                                                {4.3e9, 14.1e9, 17.4e9, 18.8e9, 19.2e9},
                                                {6.17e9, 19.6e9, 25.3e9, 27.8e9, 27.6e9},
                                                {5.15e9, 20.1e9, 27.4e9, 30.2e9, 30.6e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_UPDATE] =
                                            {
                                                {2.4e9, 13e9, 19.7e9, 20e9, 23.9e9},
                                                {2.39e9, 14.8e9, 26.1e9, 29e9, 34e9},
                                                {2.59e9, 14.3e9, 19.9e9, 24.5e9, 25e9},
                                                {2.53e9, 14.1e9, 21.5e9, 27.7e9, 29e9},
                                            },
                                    },
                            },
                    },
                .pair_seconds = 2.61e-10,
                .float_seconds = 1.21e-10,
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
                                        [WEIR_OPERATION_FORWARD] = {6.4e9, 19.6e9, 47.3e9, 77e9, 86.9e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {5.01e9, 15.7e9, 43.3e9, 73.7e9, 83.1e9},
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] = {1.87e9, 15.6e9, 48.5e9, 72.9e9, 83.6e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {4.3e9, 25.2e9, 63.8e9, 83.8e9, 87e9},
                                    },
                                .stream =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {7.4e9, 38.8e9, 67e9, 90.7e9, 90.5e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {6.13e9, 17e9, 31.5e9, 41.6e9, 43.3e9},
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] = {4.22e9, 34.7e9, 56.9e9, 58.9e9, 38.1e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {4.98e9, 33e9, 51e9, 61e9, 42.8e9},
                                    },
                                .gated =
                                    {
                                        [WEIR_OPERATION_FORWARD] =
                                            {
                                                {5.65e9, 37.8e9, 36.7e9, 39.1e9, 37.1e9},
                                                {6.39e9, 40.8e9, 63.6e9, 71.2e9, 46.7e9},
                                                {8.01e9, 40.4e9, 64e9, 77.5e9, 69.6e9},
                                                {7.98e9, 42e9, 79e9, 84.1e9, 82.2e9},
                                            },
                                        [WEIR_OPERATION_INPUT_GRADIENT] =
                                            {
                                                {5.29e9, 9.28e9, 9.76e9, 9.88e9, 9.31e9},
                                                {4.34e9, 19.9e9, 24.9e9, 25e9, 27.3e9},
                                                {6.34e9, 30.2e9, 69.8e9, 78.6e9, 83.7e9},
                                                {6.3e9, 27.2e9, 77.1e9, 103e9, 105e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] =
                                            {
                                                {5.42e9, 36.5e9, 36.3e9, 34.2e9, 19.6e9},
                                                {5.48e9, 48.8e9, 72.2e9, 72.3e9, 40.6e9},
                                                {7.83e9, 60.6e9, 79.3e9, 75.6e9, 41.7e9},
                                                {4.63e9, 47.9e9, 74.2e9, 73.6e9, 42.5e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_UPDATE] =
                                            {
                                                {4.27e9, 22.6e9, 31.4e9, 34.3e9, 37.3e9},
                                                {3.96e9, 30.9e9, 58.5e9, 69.6e9, 75.8e9},
                                                {5.09e9, 32.5e9, 57.1e9, 70.4e9, 74.5e9},
                                                {5.08e9, 32.2e9, 59.7e9, 68.6e9, 73.4e9},
                                            },
                                    },
                            },
                        [WEIR_BFLOAT16] =
                            {
                                .dense =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {9.92e9, 39.3e9, 54.6e9, 78.7e9, 85.1e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {6.35e9, 35e9, 62.3e9, 77.6e9, 83.2e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {2.68e9, 18.6e9, 36.5e9, 63.8e9, 74.1e9},
                                    },
                                .gated =
                                    {
                                        [WEIR_OPERATION_FORWARD] =
                                            {
                                                {6.4e9, 30.3e9, 37.8e9, 40.1e9, 34.7e9},
                                                {8.12e9, 37e9, 59.7e9, 73.6e9, 69.2e9},
                                                {10.2e9, 39.7e9, 61.4e9, 50e9, 50.2e9},
                                                {9.64e9, 37.7e9, 64.1e9, 83.8e9, 85.9e9},
                                            },
                                        [WEIR_OPERATION_INPUT_GRADIENT] =
                                            {
                                                {2.34e9, 5.32e9, 6.49e9, 7.33e9, 6.72e9},
                                                {7.31e9, 31.1e9, 37e9, 40e9, 41.3e9},
                                                {8.64e9, 42.1e9, 59e9, 68.8e9, 69.4e9},
                                                {8.36e9, 40.8e9, 64.3e9, 78.7e9, 78.2e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_UPDATE] =
                                            {
                                                {2.54e9, 15.5e9, 27.4e9, 32.2e9, 35.6e9},
                                                {2.74e9, 20.3e9, 47.9e9, 63.2e9, 72.2e9},
                                                {2.82e9, 19.3e9, 36.5e9, 55.4e9, 61.8e9},
                                                {2.67e9, 19.4e9, 37.7e9, 64e9, 72.7e9},
                                            },
                                    },
                            },
                    },
                .pair_seconds = 3.13e-10,
                .float_seconds = 1.24e-10,
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
                                        [WEIR_OPERATION_FORWARD] = {6.48e9, 18.7e9, 48.9e9, 76.8e9, 92.7e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {5.37e9, 19.1e9, 56e9, 81.7e9, 94e9},
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] = {4.65e9, 24.8e9, 66e9, 86e9, 91.8e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {4.56e9, 26.8e9, 68.7e9, 88e9, 90.9e9},
                                    },
                                .stream =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {7.83e9, 44.3e9, 84.3e9, 98.3e9, 103e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {6.45e9, 29.3e9, 63.8e9, 95.1e9, 101e9},
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] = {9.62e9, 45.1e9, 86e9, 104e9, 103e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {4.78e9, 29.8e9, 64.2e9, 87.7e9, 95.9e9},
                                    },
                                .gated =
                                    {
                                        [WEIR_OPERATION_FORWARD] =
                                            {
                                                {8.76e9, 46.3e9, 38.1e9, 40.6e9, 38e9},
                                                {6.81e9, 46.8e9, 74.1e9, 83.3e9, 79.8e9},
                                                {7.21e9, 44.8e9, 76.5e9, 84.5e9, 89.2e9},
                                                {8.52e9, 47.7e9, 81.9e9, 90e9, 95.3e9},
                                            },
                                        [WEIR_OPERATION_INPUT_GRADIENT] =
                                            {
                                                {4.86e9, 19.9e9, 31.3e9, 35.6e9, 30.9e9},
                                                {5.26e9, 20.7e9, 24.4e9, 28.9e9, 35.6e9},
                                                {6.06e9, 36.3e9, 65.4e9, 77.6e9, 86.8e9},
                                                {5.5e9, 29.1e9, 91.3e9, 99.9e9, 103e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] =
                                            {
                                                {13.2e9, 44.3e9, 46.3e9, 46.5e9, 32.1e9},
                                                {6.17e9, 75.6e9, 101e9, 102e9, 94.1e9},
                                                {9.79e9, 57.9e9, 90.5e9, 104e9, 102e9},
                                                {7.87e9, 35.7e9, 74.1e9, 100e9, 101e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_UPDATE] =
                                            {
                                                {7.83e9, 26.2e9, 36.8e9, 43.2e9, 44.8e9},
                                                {5.3e9, 38.1e9, 79.2e9, 96.1e9, 99.4e9},
                                                {5.88e9, 39e9, 77.7e9, 101e9, 103e9},
                                                {5.86e9, 39.5e9, 79.3e9, 100e9, 100e9},
                                            },
                                    },
                            },
                        [WEIR_BFLOAT16] =
                            {
                                .dense =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {12.4e9, 59.9e9, 98e9, 181e9, 199e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {6.34e9, 43e9, 105e9, 167e9, 182e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {2.8e9, 21.2e9, 74.1e9, 131e9, 160e9},
                                    },
                                .gated =
                                    {
                                        [WEIR_OPERATION_FORWARD] =
                                            {
                                                {11.1e9, 77.1e9, 70.6e9, 88.3e9, 82.2e9},
                                                {9.61e9, 59e9, 122e9, 165e9, 177e9},
                                                {12.9e9, 60.8e9, 125e9, 171e9, 187e9},
                                                {12.7e9, 62.7e9, 128e9, 181e9, 207e9},
                                            },
                                        [WEIR_OPERATION_INPUT_GRADIENT] =
                                            {
                                                {4.36e9, 14.1e9, 18.3e9, 21.3e9, 19.4e9},
                                                {10.4e9, 51.5e9, 62.1e9, 79.2e9, 82.7e9},
                                                {8.35e9, 62e9, 126e9, 153e9, 154e9},
                                                {11.9e9, 72.7e9, 143e9, 181e9, 189e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_UPDATE] =
                                            {
                                                {5.03e9, 20.3e9, 33.7e9, 42.3e9, 44e9},
                                                {3.58e9, 26.2e9, 62e9, 88.3e9, 94.3e9},
                                                {2.89e9, 21e9, 61.9e9, 114e9, 135e9},
                                                {2.92e9, 21.3e9, 63e9, 122e9, 157e9},
                                            },
                                    },
                            },
                    },
                .pair_seconds = 1.87e-10,
                .float_seconds = 6.91e-11,
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
                                        [WEIR_OPERATION_FORWARD] = {6.8e9, 19.7e9, 50.6e9, 80.8e9, 95e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {5.23e9, 15.8e9, 44.5e9, 76.7e9, 87.7e9},
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] = {1.95e9, 15.8e9, 50e9, 77.9e9, 90.5e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {4.18e9, 27.6e9, 68.7e9, 88e9, 98.4e9},
                                    },
                                .stream =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {7.69e9, 39.4e9, 69.3e9, 93.5e9, 92.4e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {6.19e9, 17.1e9, 31.5e9, 43e9, 45.4e9},
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] = {4.86e9, 36.5e9, 62.8e9, 65.7e9, 38.9e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {4.95e9, 32.4e9, 57.4e9, 63.7e9, 44.4e9},
                                    },
                                .gated =
                                    {
                                        [WEIR_OPERATION_FORWARD] =
                                            {
                                                {6e9, 38.3e9, 38.5e9, 40.3e9, 40.5e9},
                                                {6.76e9, 40.6e9, 65.8e9, 76.4e9, 54.2e9},
                                                {8.74e9, 46.5e9, 73.3e9, 86.2e9, 75e9},
                                                {8.53e9, 45.5e9, 78.3e9, 88.7e9, 90.7e9},
                                            },
                                        [WEIR_OPERATION_INPUT_GRADIENT] =
                                            {
                                                {5.5e9, 9.08e9, 9.31e9, 9.76e9, 9.5e9},
                                                {4.58e9, 22.9e9, 28.9e9, 26.9e9, 28.5e9},
                                                {6.84e9, 31e9, 78.7e9, 84.4e9, 90.3e9},
                                                {6.63e9, 31.9e9, 90.9e9, 108e9, 114e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] =
                                            {
                                                {5.79e9, 40.4e9, 36.9e9, 36.7e9, 20.9e9},
                                                {6.2e9, 55.6e9, 77.2e9, 75.3e9, 42.3e9},
                                                {8.29e9, 64.8e9, 79.3e9, 79.9e9, 44.1e9},
                                                {4.82e9, 45.7e9, 73.2e9, 81.8e9, 50.3e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_UPDATE] =
                                            {
                                                {4.36e9, 24.8e9, 33.9e9, 37e9, 39.5e9},
                                                {4.28e9, 35.3e9, 71.6e9, 92.7e9, 83.3e9},
                                                {5.11e9, 33.9e9, 72.6e9, 79.5e9, 82.2e9},
                                                {5.33e9, 34.7e9, 64.6e9, 77.6e9, 77.4e9},
                                            },
                                    },
                            },
                        [WEIR_BFLOAT16] =
                            {
                                .dense =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {10.2e9, 60.9e9, 156e9, 281e9, 307e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {4.67e9, 34.7e9, 105e9, 201e9, 257e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {2.81e9, 19.9e9, 58.8e9, 157e9, 196e9},
                                    },
                                .gated =
                                    {
                                        [WEIR_OPERATION_FORWARD] =
                                            {
                                                {6.89e9, 34.4e9, 47e9, 51.3e9, 46.9e9},
                                                {8.88e9, 37.6e9, 53.2e9, 64.3e9, 61.6e9},
                                                {10.9e9, 65.5e9, 146e9, 171e9, 189e9},
                                                {11.4e9, 77.6e9, 183e9, 277e9, 291e9},
                                            },
                                        [WEIR_OPERATION_INPUT_GRADIENT] =
                                            {
                                                {2.46e9, 5.56e9, 6.86e9, 7.62e9, 6.97e9},
                                                {2.51e9, 16e9, 21.8e9, 23.9e9, 24.8e9},
                                                {7.11e9, 44.5e9, 69.5e9, 87.2e9, 94e9},
                                                {6.95e9, 57.3e9, 119e9, 195e9, 226e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_UPDATE] =
                                            {
                                                {2.81e9, 16.4e9, 29.6e9, 34.3e9, 41.9e9},
                                                {2.84e9, 21.1e9, 49.4e9, 69.8e9, 81.9e9},
                                                {2.78e9, 20.5e9, 40.7e9, 122e9, 174e9},
                                                {2.84e9, 20.3e9, 54.6e9, 155e9, 200e9},
                                            },
                                    },
                            },
                    },
                .pair_seconds = 2.8e-10,
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
