// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file bench_plan.c
/// `weir bench plan`: the rates that plans are made from, and what they decide.
#include "bench.h"

#include <math.h>
#include <string.h>

static weir_plan plan_of(const bench_case *c, weir_operation operation) {
    weir_plan plan = {.operation = operation,
                      .rows = c->batch,
                      .out = c->outputs,
                      .out_block = c->block,
                      .in = c->inputs,
                      .in_block = c->two_sided ? c->block : 0,
                      .out_share = c->share,
                      .in_share = c->two_sided ? c->share : 1,
                      .precision = c->precision};
    if (operation == WEIR_OPERATION_WEIGHT_GRADIENT) plan.precision = WEIR_FLOAT32; // in which it is done
    weir_plan_choose(&plan);
    return plan;
}

static void print_lines(const bench_case *cases, size_t count) {
    char text[256];
    for (size_t k = 0; k < count; k++) {
        for (int operation = 0; operation < WEIR_OPERATION_COUNT; operation++) {
            weir_plan plan = plan_of(&cases[k], (weir_operation)operation);
            weir_plan_describe(&plan, text, sizeof text);
            printf("%s\n", text);
        }
    }
}

// Rates.

static const int rated_rows[WEIR_CALIBRATION_ROWS] = {1, 8, 32, 128, 512};
static const int rated_blocks[WEIR_CALIBRATION_BLOCKS] = {1, 4, 16, 64};

static void add_line(cli_table *table, const char *name, const char *way, const double rates[WEIR_CALIBRATION_ROWS]) {
    char cells[WEIR_CALIBRATION_ROWS * CLI_NUMBER] = "";
    for (int k = 0; k < WEIR_CALIBRATION_ROWS; k++) {
        char cell[CLI_NUMBER];
        snprintf(cell, sizeof cell, rates[k] > 0 ? "\t%.3g" : "\t-", 2e-9 * rates[k]);
        strcat(cells, cell);
    }
    cli_table_add(table, "%s\t%s%s", name, way, cells);
}

static void print_rates(const weir_calibration *c) {
    printf("%s, %d threads; GFLOP/s by rows (of the gated way: rows that a block has open)\n\n", weir_isa_name(c->isa),
           c->threads);
    cli_table table = {.align = "llrrrrr"};
    char heading[WEIR_CALIBRATION_ROWS * CLI_NUMBER] = "product\tway";
    for (int k = 0; k < WEIR_CALIBRATION_ROWS; k++) {
        char cell[CLI_NUMBER];
        snprintf(cell, sizeof cell, "\t%d", rated_rows[k]);
        strcat(heading, cell);
    }
    cli_table_add(&table, "%s", heading);
    for (int p = WEIR_FLOAT32; p <= WEIR_BFLOAT16; p++)
        for (int o = 0; o < WEIR_OPERATION_COUNT; o++) {
            const weir_rates *rates = &c->rates[p];
            char name[64], way[32];
            if (!(rates->dense[o][0] > 0)) continue; // not done in this precision
            snprintf(name, sizeof name, "%s, %s", weir_operation_name((weir_operation)o),
                     weir_precision_name((weir_precision)p));
            add_line(&table, name, "dense", rates->dense[o]);
            if (rates->stream[o][0] > 0) add_line(&table, "", "stream", rates->stream[o]);
            for (int b = 0; b < WEIR_CALIBRATION_BLOCKS; b++) {
                snprintf(way, sizeof way, "gated, blocks of %d", rated_blocks[b]);
                add_line(&table, "", way, rates->gated[o][b]);
            }
        }
    cli_table_print(&table, stdout);
    printf("\nA pair moves between compact and dense in %.3g ns, and %.3g ns for each of its numbers.\n",
           1e9 * c->pair_seconds, 1e9 * c->float_seconds);
}

/// The measurement takes long: better told now that its result cannot be written.
static int check_folder(const char *path) {
    char folder[1024];
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path) return CLI_OK;
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    return cli_folder_make(folder);
}

int bench_plan(const bench_case *cases, size_t count, bool save) {
    weir_calibration rates;
    weir_error error = {0};
    char path[1024];
    if (save) {
        if (cli_rates_path(path, sizeof path) != CLI_OK || check_folder(path) != CLI_OK) return CLI_FAILED;
        cli_note("measuring each way of each product; this takes some seconds");
        if (weir_calibration_measure(&rates, &error) != WEIR_OK || weir_calibration_use(&rates, &error) != WEIR_OK ||
            weir_calibration_save(&rates, path, &error) != WEIR_OK)
            return cli_weir_error(&error);
    }
    weir_calibration_current(&rates);
    printf("rates: %s\n", save ? path : cli_rates_origin());
    print_rates(&rates);
    if (count > 0) fputc('\n', stdout);
    print_lines(cases, count);
    return CLI_OK;
}
