// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file report.c
/// The small table that says what closed gates saved.
#include "cli.h"

#include <math.h>

static void ratio_text(char text[CLI_NUMBER], double part, double whole) {
    if (whole > 0 && isfinite(part))
        snprintf(text, CLI_NUMBER, "%.3f", part / whole);
    else
        snprintf(text, CLI_NUMBER, "%s", "");
}

static void whole_text(char text[CLI_NUMBER], double number) {
    cli_thousands(text, number > 0 && number < 1e18 ? (uint64_t)(number + 0.5) : 0);
}

static void time_text(char text[CLI_NUMBER], double milliseconds) {
    if (isfinite(milliseconds))
        cli_milliseconds(text, milliseconds);
    else
        snprintf(text, CLI_NUMBER, "%s", "");
}

static void dense_rows(cli_table *table, const weir_result *r) {
    char work[CLI_NUMBER], time[CLI_NUMBER];
    whole_text(work, r->multiply_adds_dense);
    time_text(time, r->predict_ms_dense);
    cli_table_add(table, "multiply-adds per row\t%s", work);
    cli_table_add(table, "milliseconds, all rows\t%s", time);
}

static void gated_rows(cli_table *table, const weir_result *r, double target) {
    char a[CLI_NUMBER], b[CLI_NUMBER], ratio[CLI_NUMBER];
    if (isnan(target))
        cli_table_add(table, "share of gates open, by the draw\t%.4f\t1", r->share);
    else
        cli_table_add(table, "share of gates open, target %.3g\t%.4f\t1", target, r->share);
    if (r->gates_never_open > 0)
        cli_table_add(table, "gates that no row opened\t%zu of %zu", r->gates_never_open, r->gates_all);
    whole_text(a, r->multiply_adds_done);
    whole_text(b, r->multiply_adds_dense);
    ratio_text(ratio, r->multiply_adds_done, r->multiply_adds_dense);
    cli_table_add(table, "multiply-adds per row\t%s\t%s\t%s", a, b, ratio);
    double all = r->multiply_adds_done + r->multiply_adds_gater;
    whole_text(a, all);
    ratio_text(ratio, all, r->multiply_adds_dense);
    cli_table_add(table, "  with the gater\t%s\t\t%s", a, ratio);
    time_text(a, r->predict_ms_gated);
    time_text(b, r->predict_ms_dense);
    ratio_text(ratio, r->predict_ms_gated, r->predict_ms_dense);
    cli_table_add(table, "milliseconds, all rows\t%s\t%s\t%s", a, b, ratio);
}

void cli_report(const weir_result *r, const char *part, size_t rows, bool gated, double target, FILE *out) {
    char count[CLI_NUMBER];
    cli_table table = {.align = gated ? "lrrr" : "lr"};
    cli_table_add(&table, gated ? "%s part, %s rows\tgated\tdense\tratio" : "%s part, %s rows\t", part,
                  cli_thousands(count, rows));
    if (r->samples > 0)
        cli_table_add(&table, "negative log-likelihood, %zu draws\t%.4f", r->samples, r->test_nll);
    else if (isfinite(r->test_rmse)) {
        cli_table_add(&table, "root mean square error\t%.4g", r->test_rmse);
        if (isfinite(r->test_r2)) cli_table_add(&table, "share of variance explained, R2\t%.4f", r->test_r2);
    } else
        cli_table_add(&table, "error\t%.2f %%", 100 * r->test_error);
    if (isfinite(r->test_loss))
        cli_table_add(&table, "%s\t%.4f", r->samples > 0 ? "loss, mean of a draw" : "loss", r->test_loss);
    if (isfinite(r->test_bits_per_byte)) {
        cli_table_add(&table, "bits per byte\t%.4f", r->test_bits_per_byte);
        cli_table_add(&table, "perplexity per token\t%.4g", exp(r->test_loss));
    }
    if (gated)
        gated_rows(&table, r, target);
    else
        dense_rows(&table, r);
    cli_table_print(&table, out);
}
