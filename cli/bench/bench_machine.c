// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file bench_machine.c
/// The bounds of the machine: multiply-adds of its registers, bytes of its memory.
#include "bench.h"

int bench_machine(weir_machine *machine, bool cold) {
    weir_error error = {0};
    return weir_machine_measure(machine, cold, &error) == WEIR_OK ? CLI_OK : cli_weir_error(&error);
}

void bench_machine_print(const weir_machine *machine) {
    printf("%s, %d threads: fp32 %.0f GFLOP/s, ", weir_isa_name(weir_isa_current()), weir_threads(),
           1e-9 * machine->float32_flops);
    if (machine->bfloat16_flops > 0)
        printf("bf16 %.0f GFLOP/s", 1e-9 * machine->bfloat16_flops);
    else
        printf("no bf16");
    if (machine->read_bytes > 0) printf(", memory %.1f GB/s", 1e-9 * machine->read_bytes);
    fputc('\n', stdout);
}

int bench_machine_alone(bool cold, bool json) {
    weir_machine machine = {0};
    if (bench_machine(&machine, cold) != CLI_OK) return CLI_FAILED;
    if (!json) {
        bench_machine_print(&machine);
        return CLI_OK;
    }
    json_t *line =
        json_pack("{s:s, s:i, s:f, s:f, s:f}", "isa", weir_isa_name(weir_isa_current()), "threads", weir_threads(),
                  "machine_float32_gflops", 1e-9 * machine.float32_flops, "machine_bfloat16_gflops",
                  1e-9 * machine.bfloat16_flops, "machine_read_gbps", 1e-9 * machine.read_bytes);
    if (json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) == 0) fputc('\n', stdout);
    json_decref(line);
    return CLI_OK;
}
