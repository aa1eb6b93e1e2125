// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file estimate_variance.c
/// `weir estimate variance`: rules compared on a network and data of the user's own (weir_comparison), at some points
/// of a training of it with its own rule.
#include "estimate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_POINTS = 64, PANEL_CURVES = 10 };

static const char default_rules[] =
    "reinforce,rloo,rloo:samples=4,disarm,arms:samples=4,double-cv,rebar,straight-through,"
    "straight-through:derivative=sigmoid,half,st-gumbel:temperature=0.5,gumbel-rao,gapped-straight-through";

typedef struct bed {
    weir_config config;
    weir_data *data;
    weir_graph *base; ///< trained
    weir_trainer *trainer;
    weir_comparison *comparison;
    lab_rules rules;
    size_t points, rows;
    float *inputs, *targets;
    int32_t *labels;
    size_t step[MOST_POINTS];
    double norm[MOST_POINTS]; ///< length of the reference
    weir_measured *results;   ///< [points][rules]
} bed;

static void close_bed(bed *b) {
    weir_comparison_free(b->comparison);
    weir_trainer_free(b->trainer);
    weir_graph_free(b->base);
    weir_data_free(b->data);
    weir_config_free(&b->config);
    lab_rules_free(&b->rules);
    free(b->inputs);
    free(b->targets);
    free(b->labels);
    free(b->results);
}

static weir_measured *results_at(const bed *b, size_t point) { return b->results + point * b->rules.count; }

static bool is_model(const char *operand) {
    const size_t length = strlen(operand), ending = strlen(".safetensors");
    return cli_is_folder(operand) || (length > ending && strcmp(operand + length - ending, ".safetensors") == 0);
}

/// The configuration of CONFIG or MODEL, its network, and its parameters if it has any.
static int open_network(bed *b, const lab_options *o, const char *operand) {
    weir_error error = {0};
    weir_graph *model = NULL;
    if (is_model(operand)) {
        if (cli_open_model(operand, NULL, NULL, 1, &model, &b->config, NULL) != CLI_OK) {
            weir_graph_free(model);
            return CLI_FAILED;
        }
    } else if (weir_config_load(&b->config, operand, NULL, 0, &error) != WEIR_OK)
        return cli_weir_error(&error);
    weir_graph_options making = weir_graph_options_default(b->config.train.batch > 256 ? b->config.train.batch : 256);
    making.training = true;
    making.seed = b->config.train.seed;
    if (o->data != NULL && weir_config_data_folder(&b->config, o->data, &error) != WEIR_OK) {
        weir_graph_free(model);
        return cli_weir_error(&error);
    }
    if (model != NULL) b->config.data.known_scale = weir_graph_scale(model);
    if (model != NULL) b->config.data.known_names = weir_graph_names(model);
    weir_status status = weir_data_load(&b->data, &b->config.data, &error);
    b->config.data.known_scale = NULL;
    b->config.data.known_names = NULL;
    if (status == WEIR_OK)
        status = weir_graph_create(&b->base, b->config.network, b->config.network_count, &making, &error);
    if (status == WEIR_OK && model != NULL) status = weir_graph_values_copy(b->base, model, &error);
    if (status == WEIR_OK) status = weir_trainer_create(&b->trainer, b->base, b->data, &b->config.train, &error);
    weir_graph_free(model);
    return status == WEIR_OK ? CLI_OK : cli_weir_error(&error);
}

/// Copies the rows of a batch: inputs, and labels or targets.
static void take_rows(const bed *b, const uint32_t *index) {
    const weir_part part = weir_data_train(b->data);
    weir_rows_copy(part.rows, b->inputs, index, part.first, b->rows);
    if (part.targets != NULL) weir_rows_copy(part.targets, b->targets, index, part.first, b->rows);
    for (size_t r = 0; part.targets == NULL && r < b->rows; r++)
        b->labels[r] = part.labels[index != NULL ? index[r] : part.first + r];
}

static int open_bed(bed *b, const lab_options *o, const char *operand) {
    weir_error error = {0};
    int status = open_network(b, o, operand);
    if (status == CLI_OK) status = lab_rules_read(&b->rules, o->rules != NULL ? o->rules : default_rules, true);
    if (status != CLI_OK) return status;
    const weir_part part = weir_data_train(b->data);
    b->rows = b->config.train.batch < part.count ? b->config.train.batch : part.count;
    b->inputs = calloc(b->rows * weir_data_columns(b->data), sizeof *b->inputs);
    b->targets = calloc(b->rows * weir_data_targets(b->data) + 1, sizeof *b->targets);
    b->labels = calloc(b->rows, sizeof *b->labels);
    b->results = calloc(b->points * b->rules.count, sizeof *b->results);
    const weir_graph_options making = weir_graph_options_default(b->rows);
    const char **texts = calloc(b->rules.count, sizeof *texts);
    if (!b->inputs || !b->targets || !b->labels || !b->results || !texts) status = cli_error("out of memory");
    for (size_t k = 0; status == CLI_OK && k < b->rules.count; k++) texts[k] = b->rules.texts[k];
    const weir_status made = status != CLI_OK
                                 ? WEIR_OK
                                 : weir_comparison_create(&b->comparison, b->config.network, b->config.network_count,
                                                          texts, b->rules.count, &making, &error);
    if (made == WEIR_ARGUMENT) status = cli_usage("estimate", "%s", error.text);
    if (made != WEIR_OK && made != WEIR_ARGUMENT) status = cli_error("%s: %s", operand, error.text);
    free(texts);
    return status;
}

static int measure_point(bed *b, size_t point, size_t draws) {
    lab_bar bar;
    weir_error error = {0};
    const bool targets = weir_data_targets(b->data) > 0;
    take_rows(b, NULL);
    const weir_pass batch = {.rows = b->rows,
                             .inputs = b->inputs,
                             .labels = targets ? NULL : b->labels,
                             .targets = targets ? b->targets : NULL};
    lab_bar_begin(&bar, "estimates");
    const weir_status status = weir_comparison_measure(b->comparison, results_at(b, point), &b->norm[point], b->base,
                                                       &batch, draws, (uint32_t)point, lab_bar_show, &bar, &error);
    cli_bar_clear(&bar.bar);
    if (status != WEIR_OK) return cli_weir_error(&error);
    for (size_t k = 0; point == 0 && k < b->rules.count; k++)
        if (results_at(b, 0)[k].left_out != NULL)
            cli_note("%s is left out: %s", b->rules.texts[k], results_at(b, 0)[k].left_out);
    return CLI_OK;
}

/// Trains the network with its own rule up to a step.
static int train_to(bed *b, size_t *step, size_t wanted, size_t batches) {
    const weir_part part = weir_data_train(b->data);
    uint32_t *order = malloc(part.count * sizeof *order);
    weir_error error = {0};
    weir_status status = order == NULL ? WEIR_MEMORY : WEIR_OK;
    for (; *step < wanted && status == WEIR_OK && !cli_interrupted(); ++*step) {
        const weir_noise noise = {.seed = b->config.train.seed, .step = (uint32_t)(*step / batches), .stream = 99};
        weir_random_permutation(order, noise, part.count);
        uint32_t *rows = order + *step % batches * b->rows;
        for (size_t r = 0; r < b->rows; r++) rows[r] += (uint32_t)part.first;
        take_rows(b, rows);
        status = part.targets != NULL ? weir_trainer_step_targets(b->trainer, b->inputs, b->targets, b->rows, &error)
                                      : weir_trainer_step(b->trainer, b->inputs, b->labels, b->rows, &error);
    }
    free(order);
    return status == WEIR_OK ? CLI_OK : cli_weir_error(&error);
}

static void print_point(const bed *b, size_t point) {
    const double norm = b->norm[point];
    cli_table table = {.align = "lrrrrrr"};
    printf("Step %zu: gradient of %zu parameters before the units, batch of %zu; |g| = %.4g\n\n", b->step[point],
           weir_comparison_parameters(b->comparison), b->rows, norm);
    cli_table_add(&table, "rule\tevals\tms\tbias/|g|\tsd/|g|\tvariance*ms\terror at equal time");
    for (size_t k = 0; k < b->rules.count; k++) {
        const weir_measured *m = &results_at(b, point)[k];
        char bias[CLI_NUMBER] = "0";
        if (m->left_out != NULL) continue;
        if (!m->unbiased && m->bias > 2 * m->noise)
            snprintf(bias, sizeof bias, "%.3g", m->bias / norm);
        else if (!m->unbiased)
            snprintf(bias, sizeof bias, "< %.2g", fmax(2 * m->noise, m->bias) / norm);
        cli_table_add(&table, "%s\t%zu\t%.3g\t%s\t%.3g\t%.3g\t%.3g", b->rules.texts[k], m->evaluations, m->milliseconds,
                      bias, sqrt(m->variance) / norm, m->variance * m->milliseconds, m->error / norm);
    }
    cli_table_print(&table, stdout);
    printf("\n");
}

static void print_json(const bed *b, size_t point) {
    for (size_t k = 0; k < b->rules.count; k++) {
        const weir_measured *m = &results_at(b, point)[k];
        if (m->left_out != NULL) continue;
        lab_print_line(json_pack("{s:s, s:I, s:b, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:I}", "rule", b->rules.texts[k],
                                 "step", (json_int_t)b->step[point], "unbiased", m->unbiased, "evaluations",
                                 (json_int_t)m->evaluations, "milliseconds", m->milliseconds, "bias", m->bias,
                                 "bias_noise", m->noise, "variance", m->variance, "gradient", b->norm[point],
                                 "error_at_equal_time", m->error, "draws", (json_int_t)m->draws));
    }
}

/// Which rule to use: the one of least error at equal time at most points, the last one deciding.
static void recommend(const bed *b) {
    size_t wins[256] = {0}, chosen = SIZE_MAX;
    for (size_t p = 0; p < b->points; p++) {
        const size_t best = weir_measured_best(results_at(b, p), b->rules.count, false);
        if (best >= CLI_COUNT_OF(wins)) continue;
        wins[best]++;
        if (chosen == SIZE_MAX || wins[best] >= wins[chosen]) chosen = best;
    }
    if (chosen == SIZE_MAX) return;
    cli_wrap(stdout, 0,
             "error at equal time: distance from the exact gradient of the mean of as many estimates as fit into the "
             "time of 100 of the fastest rule, over |g|. It counts variance, bias and cost; over a whole training, in "
             "which more is averaged, bias weighs more.");
    printf("\nUse %s: the least error at equal time at %zu of %zu points.\n", b->rules.texts[chosen], wins[chosen],
           b->points);
    // what noise hides must not be recommended as if it were not there
    const weir_measured *m = results_at(b, b->points - 1);
    if (m[chosen].unbiased) return;
    if (m[chosen].bias <= 2 * m[chosen].noise)
        printf("So many draws only tell that its bias is below %.2g of |g|; --draws N tells more.\n",
               2 * m[chosen].noise / b->norm[b->points - 1]);
    printf("The best without bias: %s.\n", b->rules.texts[weir_measured_best(m, b->rules.count, true)]);
}

/// The columns of the table that have a figure: over |g|, as there.
static int draw_figures(const bed *b, const lab_options *o) {
    lab_curve curves[2][PANEL_CURVES];
    double x[MOST_POINTS], y[2][PANEL_CURVES][MOST_POINTS];
    size_t count = 0;
    for (size_t p = 0; p < b->points; p++) x[p] = (double)b->step[p];
    for (size_t k = 0; k < b->rules.count && count < PANEL_CURVES; k++) {
        if (results_at(b, 0)[k].left_out != NULL) continue;
        for (size_t p = 0; p < b->points; p++) {
            const weir_measured *m = &results_at(b, p)[k];
            y[0][count][p] = sqrt(m->variance) / b->norm[p];
            y[1][count][p] = m->error / b->norm[p];
        }
        for (size_t f = 0; f < 2; f++) curves[f][count] = (lab_curve){b->rules.texts[k], x, y[f][count], b->points};
        count++;
    }
    const lab_panel panels[2] = {{"variance-sd", "Noise of the gradient",
                                  "standard deviation of one estimate, over |g|", curves[0], count, NAN, NAN, true},
                                 {"variance-error", "Error at equal time",
                                  "distance of the mean from the exact gradient, over |g|", curves[1], count, NAN, NAN,
                                  true}};
    return lab_draw(panels, 2, o);
}

int lab_variance(const lab_options *options, const char *operand) {
    bed b = {.points = options->points};
    const size_t epochs = options->epochs > 0 ? options->epochs : 1;
    if (is_model(operand) && options->epochs == 0) b.points = 1; // a finished network is measured where it is
    if (b.points > MOST_POINTS) return cli_usage("estimate", "--points is at most %d", MOST_POINTS);
    int status = open_bed(&b, options, operand);
    const size_t batches = status == CLI_OK ? weir_data_train(b.data).count / b.rows : 1, all = epochs * batches;
    size_t step = 0;
    for (size_t p = 0; p < b.points && status == CLI_OK; p++) {
        status = train_to(&b, &step, b.points > 1 ? all * p / (b.points - 1) : 0, batches);
        b.step[p] = step;
        if (status == CLI_OK) status = measure_point(&b, p, (size_t)options->draws);
        if (status == CLI_OK && options->json) print_json(&b, p);
        if (status == CLI_OK && !options->json) print_point(&b, p);
        cli_flush();
    }
    if (status == CLI_OK && !options->json) recommend(&b);
    if (status == CLI_OK && options->out != NULL) status = draw_figures(&b, options);
    close_bed(&b);
    return status;
}
