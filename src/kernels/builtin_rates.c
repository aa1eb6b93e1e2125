// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Rates that `weir bench plan --save` found on two cores of an AMD EPYC of the Zen 4 family (those of amx on an Intel
// Xeon, Sapphire Rapids), medians of several runs, in multiply-adds per second. A plan compares them with each other,
// so that what they say holds for processors that are faster or slower in everything.

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
                                        [WEIR_OPERATION_FORWARD] = {6.37e9, 15.6e9, 41.4e9, 72.5e9, 87.2e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {4.67e9, 16.5e9, 43.1e9, 73.3e9, 87.3e9},
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] = {3.78e9, 23.7e9, 58.9e9, 78.7e9, 86.7e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {3.17e9, 26.6e9, 68.9e9, 87.1e9, 88.1e9},
                                    },
                                .stream =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {4.48e9, 21.6e9, 24.2e9, 28.3e9, 28e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {3.19e9, 8.24e9, 14.6e9, 14.7e9, 15.7e9},
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] = {3.11e9, 11.7e9, 14.8e9, 14.6e9, 14.5e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {2.02e9, 11.9e9, 15e9, 15.4e9, 14.9e9},
                                    },
                                .gated =
                                    {
                                        [WEIR_OPERATION_FORWARD] =
                                            {
                                                {6.82e9, 17.1e9, 17.3e9, 17.2e9, 16.6e9},
                                                {5.91e9, 19.8e9, 22.5e9, 23e9, 22.9e9},
                                                {6.63e9, 19.8e9, 22.5e9, 23.6e9, 23.1e9},
                                                {6.4e9, 20.3e9, 25.7e9, 27e9, 27.6e9},
                                            },
                                        [WEIR_OPERATION_INPUT_GRADIENT] =
                                            {
                                                {2.15e9, 6.16e9, 8.45e9, 9.31e9, 8.78e9},
                                                {2.76e9, 5.69e9, 6.07e9, 6.92e9, 7.24e9},
                                                {4.17e9, 18e9, 17.7e9, 19.1e9, 21.7e9},
                                                {2.37e9, 12.4e9, 21.8e9, 22.6e9, 24.6e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] =
                                            {
                                                {6.74e9, 14.5e9, 16.7e9, 14.4e9, 12.3e9},
                                                {3.6e9, 13.1e9, 17e9, 17.8e9, 15.8e9},
                                                {3.34e9, 12.5e9, 17.3e9, 18.2e9, 18.4e9},
                                                {2.92e9, 12.2e9, 15.8e9, 16e9, 14.8e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_UPDATE] =
                                            {
                                                {3.61e9, 10.9e9, 15e9, 14e9, 15.2e9},
                                                {3.08e9, 11.6e9, 15.6e9, 15.4e9, 18.5e9},
                                                {2.56e9, 11.4e9, 15.9e9, 15.6e9, 19.7e9},
                                                {2.08e9, 11.7e9, 15.3e9, 16.1e9, 18.3e9},
                                            },
                                    },
                            },
                        [WEIR_BFLOAT16] =
                            {
                                .dense =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {6.82e9, 17.9e9, 19.5e9, 15.1e9, 15.8e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {3.62e9, 12.5e9, 16e9, 16.9e9, 15.9e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {1.99e9, 8.75e9, 11.6e9, 14e9, 14.8e9},
                                    },
                                .gated =
                                    {
                                        [WEIR_OPERATION_FORWARD] =
                                            {
                                                {6.42e9, 15.5e9, 16.4e9, 17e9, 16.5e9},
                                                {5.5e9, 15.7e9, 19.6e9, 12e9, 12.2e9},
                                                {6.54e9, 20.2e9, 22.2e9, 18.1e9, 18.6e9},
                                                {7.76e9, 19e9, 20.8e9, 15.5e9, 17.3e9},
                                            },
                                        [WEIR_OPERATION_INPUT_GRADIENT] =
                                            {
                                                {1.56e9, 3.53e9, 3.96e9, 4.5e9, 4.46e9},
                                                {3e9, 8.88e9, 9.51e9, 10.5e9, 10.8e9},
                                                {3.82e9, 11.1e9, 13.9e9, 13.9e9, 14.4e9},
                                                {3.4e9, 12.3e9, 14.7e9, 15.7e9, 16.2e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_UPDATE] =
                                            {
                                                {2.72e9, 10.1e9, 14.4e9, 13.6e9, 15.6e9},
                                                {2.46e9, 10.5e9, 14.8e9, 15.7e9, 18.3e9},
                                                {1.85e9, 8.05e9, 10.7e9, 13.3e9, 16.1e9},
                                                {2.02e9, 9.88e9, 11.1e9, 15.1e9, 16.8e9},
                                            },
                                    },
                            },
                    },
                .pair_seconds = 3.26e-10,
                .float_seconds = 7.64e-11,
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
                                        [WEIR_OPERATION_FORWARD] = {7.23e9, 15.6e9, 39.5e9, 69.1e9, 80e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {4.74e9, 17.6e9, 44.2e9, 72.1e9, 81.6e9},
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] = {2.98e9, 21.7e9, 35.8e9, 69.3e9, 75e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {2.17e9, 13.4e9, 36.9e9, 74.3e9, 77.2e9},
                                    },
                                .stream =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {8.25e9, 36.3e9, 50.8e9, 68.1e9, 66.5e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {5.28e9, 18e9, 39.8e9, 36.1e9, 39.7e9},
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] = {1.93e9, 22.3e9, 29.4e9, 29.3e9, 28.4e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {3.63e9, 22.2e9, 35e9, 38.2e9, 35e9},
                                    },
                                .gated =
                                    {
                                        [WEIR_OPERATION_FORWARD] =
                                            {
                                                {8.22e9, 32.6e9, 35.7e9, 38e9, 32.5e9},
                                                {7.66e9, 32.8e9, 40.7e9, 42e9, 40.3e9},
                                                {8.87e9, 32.7e9, 41.5e9, 43.3e9, 43.1e9},
                                                {8.72e9, 38.4e9, 60.1e9, 63.4e9, 64.7e9},
                                            },
                                        [WEIR_OPERATION_INPUT_GRADIENT] =
                                            {
                                                {3.8e9, 12.1e9, 17.4e9, 17.6e9, 16.1e9},
                                                {2.6e9, 5.55e9, 9.39e9, 9.55e9, 16.6e9},
                                                {6e9, 26.3e9, 40e9, 46.1e9, 53.2e9},
                                                {3.74e9, 15.3e9, 38.9e9, 61.5e9, 62.9e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] =
                                            {
                                                {6.48e9, 25.8e9, 30.2e9, 30e9, 22.8e9},
                                                {4.7e9, 28.7e9, 42.3e9, 42.8e9, 33.3e9},
                                                {5.3e9, 24.4e9, 40.1e9, 45e9, 45.3e9},
                                                {5.01e9, 20.7e9, 34.1e9, 41.3e9, 34.1e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_UPDATE] =
                                            {
                                                {6.4e9, 17.2e9, 25.2e9, 28.2e9, 30.1e9},
                                                {5.21e9, 24.9e9, 39.4e9, 37.8e9, 45.9e9},
                                                {5.07e9, 25.8e9, 41.7e9, 38.5e9, 47.9e9},
                                                {3.91e9, 22.7e9, 38.9e9, 44.5e9, 45.8e9},
                                            },
                                    },
                            },
                        [WEIR_BFLOAT16] =
                            {
                                .dense =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {9.12e9, 31.3e9, 36.2e9, 35.3e9, 42.4e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {5.68e9, 28.3e9, 41.7e9, 45.6e9, 47.5e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {2.3e9, 14.8e9, 31.3e9, 41.6e9, 42.7e9},
                                    },
                                .gated =
                                    {
                                        [WEIR_OPERATION_FORWARD] =
                                            {
                                                {8.92e9, 29.4e9, 34.3e9, 34.4e9, 32.9e9},
                                                {6.49e9, 30.4e9, 47.3e9, 54.1e9, 53.2e9},
                                                {9.92e9, 30.5e9, 51.7e9, 45.5e9, 48.9e9},
                                                {9.47e9, 46.2e9, 54.9e9, 47.6e9, 51e9},
                                            },
                                        [WEIR_OPERATION_INPUT_GRADIENT] =
                                            {
                                                {2.2e9, 5.96e9, 7.68e9, 8.78e9, 8.51e9},
                                                {2.73e9, 13.8e9, 21.3e9, 24.9e9, 22.2e9},
                                                {5.32e9, 23.6e9, 32.5e9, 38.8e9, 35.6e9},
                                                {4.49e9, 23.1e9, 37.3e9, 44.3e9, 45.4e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_UPDATE] =
                                            {
                                                {3.66e9, 15.5e9, 24e9, 28e9, 28.5e9},
                                                {2.92e9, 18.1e9, 33e9, 39.2e9, 42.2e9},
                                                {2.43e9, 16.1e9, 29.6e9, 39.1e9, 38.8e9},
                                                {2.47e9, 15.7e9, 30.9e9, 41.5e9, 46.4e9},
                                            },
                                    },
                            },
                    },
                .pair_seconds = 2.6e-10,
                .float_seconds = 1.38e-10,
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
                                        [WEIR_OPERATION_FORWARD] = {7.16e9, 15.6e9, 38.7e9, 67.4e9, 78.7e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {5.33e9, 17.6e9, 42.5e9, 69.2e9, 79.5e9},
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] = {2.98e9, 15.6e9, 41.2e9, 68e9, 74.4e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {2.43e9, 12.9e9, 41.4e9, 67.1e9, 77.5e9},
                                    },
                                .stream =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {8.22e9, 38.7e9, 83e9, 80.7e9, 82.8e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {5.36e9, 25.7e9, 55.5e9, 79e9, 89.5e9},
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] = {2.65e9, 29.9e9, 60.6e9, 74e9, 67.8e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {2.6e9, 14.4e9, 45e9, 74.1e9, 69.8e9},
                                    },
                                .gated =
                                    {
                                        [WEIR_OPERATION_FORWARD] =
                                            {
                                                {7.54e9, 30.1e9, 31.4e9, 33.3e9, 30.4e9},
                                                {6.87e9, 41.1e9, 60.1e9, 65.6e9, 63.2e9},
                                                {8.95e9, 40.5e9, 64.3e9, 68.6e9, 70.7e9},
                                                {8.94e9, 44.3e9, 66.8e9, 74.2e9, 73.3e9},
                                            },
                                        [WEIR_OPERATION_INPUT_GRADIENT] =
                                            {
                                                {3.96e9, 17.2e9, 26.1e9, 23.2e9, 18.9e9},
                                                {3.36e9, 13e9, 18.3e9, 20.1e9, 36.4e9},
                                                {4.58e9, 28.5e9, 49.3e9, 63.4e9, 68.7e9},
                                                {4.01e9, 25.6e9, 65.6e9, 75.5e9, 83e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] =
                                            {
                                                {5.2e9, 29.3e9, 38.3e9, 38.8e9, 27.8e9},
                                                {4.97e9, 52.9e9, 84.3e9, 82.6e9, 68.6e9},
                                                {5.39e9, 32.2e9, 68.9e9, 75.8e9, 74.8e9},
                                                {3.72e9, 21e9, 49.8e9, 74.1e9, 78.1e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_UPDATE] =
                                            {
                                                {5.12e9, 26.2e9, 33.5e9, 35e9, 37.4e9},
                                                {5.52e9, 29.5e9, 58.9e9, 64.2e9, 77.1e9},
                                                {5.45e9, 35.9e9, 71.9e9, 80.6e9, 87.4e9},
                                                {5.84e9, 30.6e9, 70.9e9, 82.9e9, 78.8e9},
                                            },
                                    },
                            },
                        [WEIR_BFLOAT16] =
                            {
                                .dense =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {10.3e9, 69.2e9, 82.5e9, 71.5e9, 80.3e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {8.14e9, 45.5e9, 69.7e9, 85.5e9, 88.8e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {2.45e9, 17.7e9, 50.8e9, 74.7e9, 77.6e9},
                                    },
                                .gated =
                                    {
                                        [WEIR_OPERATION_FORWARD] =
                                            {
                                                {9.88e9, 45.3e9, 53.3e9, 56e9, 49.6e9},
                                                {8.67e9, 46.4e9, 67.5e9, 84.8e9, 80.9e9},
                                                {11.1e9, 51.5e9, 71.4e9, 48.9e9, 52.7e9},
                                                {11e9, 73.4e9, 83.1e9, 93e9, 92.1e9},
                                            },
                                        [WEIR_OPERATION_INPUT_GRADIENT] =
                                            {
                                                {3.45e9, 9.29e9, 12.4e9, 14.6e9, 14.2e9},
                                                {3.8e9, 20.9e9, 29.6e9, 38.6e9, 34.4e9},
                                                {5.21e9, 28.7e9, 46.8e9, 66.3e9, 59.9e9},
                                                {11e9, 49e9, 68.4e9, 79.5e9, 81.8e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_UPDATE] =
                                            {
                                                {3.98e9, 16e9, 28.7e9, 35.6e9, 34.6e9},
                                                {3.36e9, 19.7e9, 49.7e9, 71.7e9, 69.6e9},
                                                {2.53e9, 16.9e9, 49.1e9, 60.9e9, 66.6e9},
                                                {2.46e9, 17.1e9, 55.6e9, 71.9e9, 79.4e9},
                                            },
                                    },
                            },
                    },
                .pair_seconds = 2.87e-10,
                .float_seconds = 1.45e-10,
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
                                        [WEIR_OPERATION_FORWARD] = {6.54e9, 16.3e9, 44.4e9, 71.6e9, 86.2e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {5.43e9, 19.4e9, 53.7e9, 78.4e9, 90.1e9},
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] = {4.54e9, 26.7e9, 59.2e9, 81.4e9, 82.9e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {3.58e9, 24.9e9, 60.7e9, 81.9e9, 84.3e9},
                                    },
                                .stream =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {7.19e9, 39.2e9, 83.1e9, 85.7e9, 88.9e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {6.01e9, 29.7e9, 63.7e9, 94.4e9, 102e9},
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] = {7.12e9, 44.8e9, 73.8e9, 86e9, 81.1e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {3.09e9, 16.9e9, 45.4e9, 78e9, 88.4e9},
                                    },
                                .gated =
                                    {
                                        [WEIR_OPERATION_FORWARD] =
                                            {
                                                {7.5e9, 33e9, 33.7e9, 36.2e9, 32.9e9},
                                                {6.59e9, 41.7e9, 65.2e9, 67.1e9, 70.3e9},
                                                {7.75e9, 41.7e9, 65.9e9, 79.9e9, 77.3e9},
                                                {7.68e9, 45.1e9, 74.2e9, 81.2e9, 85.4e9},
                                            },
                                        [WEIR_OPERATION_INPUT_GRADIENT] =
                                            {
                                                {4.79e9, 22.1e9, 31.5e9, 33.7e9, 29.1e9},
                                                {4.86e9, 20.3e9, 24.4e9, 29.5e9, 36.7e9},
                                                {5.74e9, 34.1e9, 64.8e9, 74.7e9, 76e9},
                                                {5.34e9, 28.6e9, 83.1e9, 93.4e9, 94.9e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_GRADIENT] =
                                            {
                                                {8.49e9, 38.6e9, 42e9, 39.5e9, 28.9e9},
                                                {5.32e9, 55.3e9, 88e9, 89.3e9, 74.2e9},
                                                {6.41e9, 46.4e9, 80.6e9, 92.2e9, 87.2e9},
                                                {5.64e9, 30.1e9, 65.3e9, 84.4e9, 89.6e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_UPDATE] =
                                            {
                                                {7.28e9, 26.8e9, 38.2e9, 39.5e9, 42.8e9},
                                                {6e9, 35.2e9, 68.1e9, 73.8e9, 92.2e9},
                                                {5.91e9, 38.5e9, 76.1e9, 91.8e9, 97e9},
                                                {6.14e9, 40.4e9, 80.3e9, 96.2e9, 97.4e9},
                                            },
                                    },
                            },
                        [WEIR_BFLOAT16] =
                            {
                                .dense =
                                    {
                                        [WEIR_OPERATION_FORWARD] = {11.4e9, 101e9, 160e9, 162e9, 179e9},
                                        [WEIR_OPERATION_INPUT_GRADIENT] = {10.5e9, 63.4e9, 125e9, 161e9, 174e9},
                                        [WEIR_OPERATION_WEIGHT_UPDATE] = {2.49e9, 17.7e9, 72.2e9, 139e9, 152e9},
                                    },
                                .gated =
                                    {
                                        [WEIR_OPERATION_FORWARD] =
                                            {
                                                {11e9, 63.3e9, 70.7e9, 76.7e9, 68e9},
                                                {9.82e9, 96.5e9, 134e9, 149e9, 150e9},
                                                {12e9, 96.3e9, 141e9, 157e9, 164e9},
                                                {12.2e9, 108e9, 155e9, 176e9, 192e9},
                                            },
                                        [WEIR_OPERATION_INPUT_GRADIENT] =
                                            {
                                                {3.99e9, 12e9, 14.5e9, 15.7e9, 15.3e9},
                                                {10.2e9, 44e9, 53.6e9, 62.4e9, 61.7e9},
                                                {12e9, 64.5e9, 107e9, 130e9, 131e9},
                                                {11.8e9, 71.3e9, 135e9, 172e9, 173e9},
                                            },
                                        [WEIR_OPERATION_WEIGHT_UPDATE] =
                                            {
                                                {4.37e9, 18.5e9, 31.7e9, 38.6e9, 41.1e9},
                                                {3.37e9, 22.8e9, 61e9, 84.9e9, 90e9},
                                                {2.68e9, 18.4e9, 73.6e9, 120e9, 123e9},
                                                {2.79e9, 21e9, 89.4e9, 145e9, 158e9},
                                            },
                                    },
                            },
                    },
                .pair_seconds = 2.68e-10,
                .float_seconds = 8.03e-11,
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
