// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file load.c
/// How layers of gates share their work: a table, and JSON.
#include "cli.h"

#include <math.h>
#include <stdlib.h>

static void number_text(char text[CLI_NUMBER], double number) {
    if (isfinite(number))
        snprintf(text, CLI_NUMBER, "%.3f", number);
    else
        snprintf(text, CLI_NUMBER, "%s", "");
}

void cli_print_loads(FILE *out, weir_graph *graph, const weir_load *loads, size_t count) {
    cli_table table = {.align = "lrrrrrrr"};
    cli_table_add(&table, "load\tgates\tnever open\tmost/mean\tentropy\toverlap\tsame class\tother class");
    for (size_t k = 0; k < count; k++) {
        char most[CLI_NUMBER], entropy[CLI_NUMBER], any[CLI_NUMBER], same[CLI_NUMBER], other[CLI_NUMBER];
        number_text(most, loads[k].greatest);
        number_text(entropy, loads[k].entropy);
        number_text(any, loads[k].overlap);
        number_text(same, loads[k].same_class);
        number_text(other, loads[k].other_class);
        cli_table_add(&table, "%s\t%zu\t%zu\t%s\t%s\t%s\t%s\t%s", weir_graph_nodes(graph, NULL)[loads[k].node].name,
                      loads[k].gates, loads[k].dead, most, entropy, any, same, other);
    }
    cli_table_print(&table, out);
}

static json_t *number_json(double number) { return isfinite(number) ? json_real(number) : json_null(); }

json_t *cli_loads_json(weir_graph *graph, const weir_load *loads, size_t count) {
    json_t *all = json_object();
    for (size_t k = 0; k < count; k++) {
        json_t *open = json_array();
        for (size_t g = 0; g < loads[k].gates; g++) json_array_append_new(open, json_real(loads[k].open[g]));
        json_object_set_new(all, weir_graph_nodes(graph, NULL)[loads[k].node].name,
                            json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "gates", (json_int_t)loads[k].gates,
                                      "never_open", (json_int_t)loads[k].dead, "most_over_mean",
                                      number_json(loads[k].greatest), "entropy", number_json(loads[k].entropy),
                                      "overlap", number_json(loads[k].overlap), "overlap_same_class",
                                      number_json(loads[k].same_class), "overlap_other_class",
                                      number_json(loads[k].other_class), "open", open));
    }
    return all;
}
