// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file bench_print.c
/// Results of `weir bench gated` as a table, line by line as they come, or as JSON, a line per case.
#include "bench.h"

#include <math.h>

/// The three passes that have times.
static const struct pass {
    const char *name;
    size_t offset;   // in bench_times
    double products; // of the layer
    unsigned needs;
} passes[] = {{"forward", offsetof(bench_times, forward), 1, BENCH_FORWARD},
              {"backward", offsetof(bench_times, backward), 2, BENCH_TRAIN},
              {"train", offsetof(bench_times, train), 3, BENCH_TRAIN}};

static double time_of(const bench_times *times, const struct pass *pass) {
    return *(const double *)(const void *)((const char *)times + pass->offset);
}

void bench_print_heading(void) {
    printf("%s%-11s %5s %6s %5s %5s %5s %-8s %9s %9s %6s %6s %7s %6s %9s %5s%s\n", cli_bold(stdout), "layer", "block",
           "share", "batch", "type", "sides", "pass", "gated ms", "dense ms", "ratio", "effic.", "GFLOP/s", "GB/s",
           "floor ms", "of it", cli_plain(stdout));
}

static void print_peer(const bench_result *r, const struct pass *pass) {
    for (size_t w = 0; w < r->peer.count; w++) {
        char text[CLI_NUMBER];
        double time = time_of(&r->peer.ways[w].times, pass);
        if (!isfinite(time)) continue;
        printf("%54speer %-20s %9s  %6.2f x\n", "", r->peer.ways[w].name, cli_milliseconds(text, time),
               time / time_of(&r->gated, pass));
    }
}

static void print_pass(const bench_case *c, const bench_result *r, const struct pass *pass) {
    char layer[48], stack[24] = "", gated_text[CLI_NUMBER], dense_text[CLI_NUMBER], floor_text[CLI_NUMBER];
    double gated = time_of(&r->gated, pass), dense = time_of(&r->dense, pass), least = time_of(&r->floor, pass);
    if (c->stack > 1) snprintf(stack, sizeof stack, "*%zu", c->stack);
    snprintf(layer, sizeof layer, "%zux%zu%s", c->inputs, c->outputs, stack);
    printf("%-11s %5zu %6.4f %5zu %5s %5s %-8s %9s %9s %6.2f %6.2f %7.1f %6.1f %9s %3.0f %%\n", layer, c->block,
           r->open, c->batch, weir_precision_name(c->precision), c->two_sided ? "two" : "one", pass->name,
           cli_milliseconds(gated_text, gated), cli_milliseconds(dense_text, dense), dense / gated,
           r->share * dense / gated, 2e-6 * pass->products * r->products / gated,
           1e-6 * pass->products * r->bytes / gated, cli_milliseconds(floor_text, least), 100 * least / gated);
    print_peer(r, pass);
}

void bench_print(const bench_case *c, const bench_result *r, bool plans) {
    for (size_t p = 0; p < CLI_COUNT_OF(passes); p++)
        if (c->passes & passes[p].needs) print_pass(c, r, &passes[p]);
    for (int k = 0; plans && k < WEIR_OPERATION_COUNT; k++) {
        char text[256];
        weir_plan_describe(&r->plans[k], text, sizeof text);
        printf("  %s\n", text);
    }
    cli_flush();
}

static json_t *real(double value) { return isfinite(value) ? json_real(value) : json_null(); }

static json_t *peer_json(const bench_peer *peer) {
    json_t *all = json_array();
    for (size_t w = 0; w < peer->count; w++) {
        const struct bench_way *way = &peer->ways[w];
        json_array_append_new(all, json_pack("{s:s, s:o, s:o}", "way", way->name, "forward_ms",
                                             real(way->times.forward), "train_ms", real(way->times.train)));
    }
    return all;
}

json_t *bench_json(const bench_case *c, const bench_result *r, const weir_machine *machine) {
    json_t *line = json_pack("{s:I, s:I, s:I, s:f, s:I, s:I, s:s, s:i, s:s, s:i, s:b}", "inputs", (json_int_t)c->inputs,
                             "outputs", (json_int_t)c->outputs, "block", (json_int_t)c->block, "share", c->share,
                             "batch", (json_int_t)c->batch, "stack", (json_int_t)c->stack, "precision",
                             weir_precision_name(c->precision), "sides", c->two_sided ? 2 : 1, "isa",
                             weir_isa_name(weir_isa_current()), "threads", weir_threads(), "cold", c->cold);
    for (size_t p = 0; p < CLI_COUNT_OF(passes); p++) {
        char name[48];
        double gated = time_of(&r->gated, &passes[p]), dense = time_of(&r->dense, &passes[p]);
        snprintf(name, sizeof name, "%s_ms", passes[p].name);
        json_object_set_new(line, name, real(gated));
        snprintf(name, sizeof name, "dense_%s_ms", passes[p].name);
        json_object_set_new(line, name, real(dense));
        snprintf(name, sizeof name, "%s_floor_ms", passes[p].name);
        json_object_set_new(line, name,
                            c->passes & passes[p].needs ? real(time_of(&r->floor, &passes[p])) : json_null());
        snprintf(name, sizeof name, "%s_efficiency", passes[p].name);
        json_object_set_new(line, name, real(r->share * dense / gated));
        snprintf(name, sizeof name, "%s_gflops", passes[p].name);
        json_object_set_new(line, name, real(2e-6 * passes[p].products * r->products / gated));
    }
    json_object_set_new(line, "floor_ms", real(c->passes & BENCH_FORWARD ? r->floor.forward : r->floor.train));
    json_object_set_new(line, "route_ms", real(r->route));
    json_object_set_new(line, "open_share", real(r->open));
    json_object_set_new(line, "done_share", real(r->share));
    json_object_set_new(line, "multiply_adds", real(r->products));
    json_object_set_new(line, "weight_bytes", real(r->bytes));
    json_object_set_new(line, "error", real(r->error));
    json_object_set_new(line, "samples", json_integer((json_int_t)r->samples));
    json_object_set_new(line, "sets", json_integer((json_int_t)r->sets));
    for (int k = 0; k < WEIR_OPERATION_COUNT; k++) {
        static const char *const names[WEIR_OPERATION_COUNT] = {"plan_forward", "plan_input_gradient",
                                                                "plan_weight_gradient", "plan_weight_update"};
        json_object_set_new(line, names[k], json_string(weir_way_name(r->plans[k].way)));
    }
    json_object_set_new(line, "machine_float32_gflops", real(1e-9 * machine->float32_flops));
    json_object_set_new(line, "machine_bfloat16_gflops", real(1e-9 * machine->bfloat16_flops));
    json_object_set_new(line, "machine_read_gbps", real(1e-9 * machine->read_bytes));
    if (r->peer.count > 0) json_object_set_new(line, "peer", peer_json(&r->peer));
    return line;
}
