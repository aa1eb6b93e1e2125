// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file estimate_variance.c
/// `weir estimate variance`: bias, variance and cost of each rule on a network and data of the user's own.
///
/// The network is trained with its own rule. At some points on the way the gradient of the mean loss of one batch is
/// drawn again and again by every rule, with the parameters of that point; what counts are the parameters before the
/// units, the only ones that a rule stands between. The reference is the mean over all draws of all unbiased rules,
/// weighted by the inverse of their variances; the best of them gets ten times the draws. Penalties are left out.
#include "estimate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SETTLE = 30, REFERENCE_FACTOR = 10, MOST_POINTS = 64, BUDGET = 100, PANEL_CURVES = 10 };

static const char default_rules[] =
    "reinforce,rloo,rloo:samples=4,disarm,arms:samples=4,double-cv,rebar,straight-through,"
    "straight-through:derivative=sigmoid,half,st-gumbel:temperature=0.5,gumbel-rao,gapped-straight-through";

/// One rule at one point.
typedef struct measured {
    size_t draws, evaluations;
    double *mean;                  ///< [parameters before the units]
    double variance, milliseconds; ///< total variance of one estimate; median of a forward and a backward pass
    double bias, noise, error;     ///< bias and its standard error; error at equal time
    bool unbiased;
} measured;

typedef struct bed {
    weir_config config;
    weir_data *data;
    weir_graph *base; ///< trained
    weir_trainer *trainer;
    lab_rule *rules;
    weir_graph **graphs; ///< one per rule; NULL: the network cannot have it
    size_t rule_count, points, rows, parameters;
    bool *before; ///< [nodes] does the node stand before a unit
    float *inputs, *targets;
    int32_t *labels;
    double *reference, reference_variance, reference_norm;
    size_t step[MOST_POINTS];
    double loss[MOST_POINTS];
    measured *results; ///< [points][rules]
} bed;

static void close_bed(bed *b) {
    for (size_t k = 0; b->graphs != NULL && k < b->rule_count; k++) weir_graph_free(b->graphs[k]);
    for (size_t k = 0; b->results != NULL && k < b->points * b->rule_count; k++) free(b->results[k].mean);
    weir_trainer_free(b->trainer);
    weir_graph_free(b->base);
    weir_data_free(b->data);
    weir_config_free(&b->config);
    free(b->rules);
    free(b->graphs);
    free(b->before);
    free(b->inputs);
    free(b->targets);
    free(b->labels);
    free(b->reference);
    free(b->results);
}

static bool is_unit(const weir_node *node) { return weir_kind_find(node->kind)->traits & WEIR_KIND_UNITS; }

/// Marks the nodes that some unit reads, directly or not.
static void mark_before(const weir_graph *graph, bool *before) {
    size_t count, at;
    const weir_node *nodes = weir_graph_nodes(graph, &count);
    for (size_t i = count; i-- > 0;) {
        if (!is_unit(&nodes[i]) && !before[i]) continue;
        for (size_t k = 0; (at = weir_graph_reads(graph, i, k)) != SIZE_MAX; k++) before[at] = true;
        if (weir_graph_gates(graph, i) != SIZE_MAX) before[weir_graph_gates(graph, i)] = true;
    }
}

static size_t count_before(const bed *b, weir_graph *graph) {
    const weir_parameters_view p = weir_graph_parameters_read(graph);
    size_t count = 0;
    for (size_t t = 0; t < p.tensor_count; t++)
        if (b->before[p.tensors[t].node]) count += p.tensors[t].rows * p.tensors[t].columns;
    return count;
}

/// The network with this rule at every unit.
static weir_status graph_of(const bed *b, const char *rule, weir_graph **graph, weir_error *error) {
    weir_node *nodes = malloc(b->config.network_count * sizeof *nodes);
    weir_graph_options making = weir_graph_options_default(b->rows);
    making.training = true;
    if (nodes == NULL) return WEIR_MEMORY;
    memcpy(nodes, b->config.network, b->config.network_count * sizeof *nodes);
    for (size_t i = 0; i < b->config.network_count; i++)
        if (is_unit(&nodes[i])) nodes[i].rule = rule;
    const weir_status status = weir_graph_create(graph, nodes, b->config.network_count, &making, error);
    free(nodes);
    return status;
}

static int make_graphs(bed *b) {
    size_t unbiased = 0;
    for (size_t k = 0; k < b->rule_count; k++) {
        const unsigned exact = WEIR_TRAIT_UNBIASED | WEIR_TRAIT_BINARY;
        weir_error error = {0};
        if (graph_of(b, b->rules[k].text, &b->graphs[k], &error) != WEIR_OK) {
            cli_note("%s is left out: %s", b->rules[k].text, error.text);
            continue;
        }
        unbiased += (b->rules[k].unit.rule->traits & exact) == exact;
    }
    if (unbiased == 0)
        return cli_usage("estimate", "variance needs an unbiased rule of binary units for its reference, like disarm");
    return CLI_OK;
}

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
    weir_status status = weir_data_load(&b->data, &b->config.data, &error);
    b->config.data.known_scale = NULL;
    if (status == WEIR_OK)
        status = weir_graph_create(&b->base, b->config.network, b->config.network_count, &making, &error);
    if (status == WEIR_OK && model != NULL) {
        const weir_parameters_view from = weir_graph_parameters_read(model);
        const weir_parameters to = weir_graph_parameters(b->base);
        if (from.count == to.count) memcpy(to.values, from.values, to.count * sizeof *to.values);
    }
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
    int status = open_network(b, o, operand);
    if (status != CLI_OK) return status;
    status = lab_rules(o->rules != NULL ? o->rules : default_rules, &b->rules, &b->rule_count);
    if (status != CLI_OK) return status;
    size_t nodes, units = 0;
    const weir_node *node = weir_graph_nodes(b->base, &nodes);
    for (size_t i = 0; i < nodes; i++) units += is_unit(&node[i]);
    if (units == 0) return cli_error("%s has no stochastic units", operand);
    const weir_part part = weir_data_train(b->data);
    b->rows = b->config.train.batch < part.count ? b->config.train.batch : part.count;
    b->before = calloc(nodes, sizeof *b->before);
    b->graphs = calloc(b->rule_count, sizeof(weir_graph *));
    b->inputs = calloc(b->rows * weir_data_columns(b->data), sizeof *b->inputs);
    b->targets = calloc(b->rows * weir_data_targets(b->data) + 1, sizeof *b->targets);
    b->labels = calloc(b->rows, sizeof *b->labels);
    b->results = calloc(b->points * b->rule_count, sizeof *b->results);
    if (b->before == NULL || b->graphs == NULL || b->inputs == NULL || b->targets == NULL || b->labels == NULL ||
        b->results == NULL)
        return cli_error("out of memory");
    mark_before(b->base, b->before);
    b->parameters = count_before(b, b->base);
    b->reference = calloc(b->parameters + 1, sizeof *b->reference);
    if (b->reference == NULL) return cli_error("out of memory");
    if (b->parameters == 0) return cli_error("%s has no parameters before its units", operand);
    return make_graphs(b);
}

static weir_pass pass_of(const bed *b, uint32_t step) {
    const bool targets = weir_data_targets(b->data) > 0;
    return (weir_pass){.mode = WEIR_MODE_SAMPLE,
                       .rows = b->rows,
                       .inputs = b->inputs,
                       .labels = targets ? NULL : b->labels,
                       .targets = targets ? b->targets : NULL,
                       .seed = 20130815,
                       .step = step};
}

static weir_status draw_once(const bed *b, weir_graph *graph, uint32_t step, double *loss, weir_error *error) {
    const weir_pass pass = pass_of(b, step);
    weir_status status = weir_graph_forward(graph, &pass, error);
    if (status == WEIR_OK) status = weir_graph_backward(graph, &pass, error);
    *loss = weir_graph_mean_loss(graph);
    return status;
}

/// Adds the gradient of the parameters before the units, and its square.
static void add_gradient(const bed *b, weir_graph *graph, double *sum, double *square) {
    const weir_parameters_view p = weir_graph_parameters_read(graph);
    for (size_t t = 0, at = 0; t < p.tensor_count; t++) {
        if (!b->before[p.tensors[t].node]) continue;
        const size_t count = p.tensors[t].rows * p.tensors[t].columns;
        const float *g = p.gradients + p.tensors[t].offset;
        for (size_t i = 0; i < count; i++, at++) {
            sum[at] += (double)g[i];
            square[at] += (double)g[i] * (double)g[i];
        }
    }
}

/// Draws more estimates of a rule; its mean and variance are then those of all of them.
static int draw_rule(bed *b, weir_graph *graph, measured *m, size_t draws, uint32_t first) {
    double *sum = calloc(2 * b->parameters, sizeof *sum), *times = calloc(draws, sizeof *times), loss;
    double *square = sum != NULL ? sum + b->parameters : NULL;
    weir_error error = {0};
    weir_status status = sum == NULL || times == NULL ? WEIR_MEMORY : WEIR_OK;
    for (size_t n = 0; n < draws && status == WEIR_OK && !cli_interrupted(); n++) {
        const double started = cli_clock();
        status = draw_once(b, graph, first + (uint32_t)n, &loss, &error);
        times[n] = 1e3 * (cli_clock() - started);
        if (status == WEIR_OK) add_gradient(b, graph, sum, square);
    }
    if (status == WEIR_OK) {
        const double before = (double)m->draws, now = (double)draws, all = before + now;
        double variance = 0;
        for (size_t i = 0; i < b->parameters; i++) {
            const double mean = sum[i] / now;
            variance += square[i] / now - mean * mean;
            m->mean[i] = (before * m->mean[i] + sum[i]) / all;
        }
        variance *= now / (now - 1);
        m->variance = (before * m->variance + now * variance) / all;
        if (m->draws == 0) m->milliseconds = weir_median(times, draws);
        m->draws += draws;
    }
    free(sum);
    free(times);
    return status == WEIR_OK ? CLI_OK : cli_weir_error(&error);
}

static int start_rule(bed *b, const lab_rule *rule, weir_graph *graph, measured *m, size_t draws, uint32_t step) {
    const unsigned exact = WEIR_TRAIT_UNBIASED | WEIR_TRAIT_BINARY;
    const weir_parameters_view from = weir_graph_parameters_read(b->base);
    const weir_parameters to = weir_graph_parameters(graph);
    weir_error error = {0};
    double loss;
    size_t nodes, layers = 0, width = 1;
    const weir_node *node = weir_graph_nodes(graph, &nodes);
    for (size_t i = 0; i < nodes; i++) {
        layers += is_unit(&node[i]);
        if (is_unit(&node[i])) width = node[i].size;
    }
    if (from.count != to.count) return cli_error("%s: the network has other parameters", rule->text);
    memcpy(to.values, from.values, to.count * sizeof *to.values);
    m->unbiased = (rule->unit.rule->traits & exact) == exact && strcmp(rule->unit.rule->name, "vimco") != 0;
    m->evaluations = weir_unit_groups(&rule->unit, width, rule->unit.rule->traits & WEIR_TRAIT_LAYERS ? layers : 1);
    m->mean = calloc(b->parameters, sizeof *m->mean);
    if (m->mean == NULL) return cli_error("out of memory");
    const size_t settle = weir_unit_state(&rule->unit, width) > 0 ? SETTLE : 2; // and memory is reserved
    for (size_t n = 0; n < settle; n++)
        if (draw_once(b, graph, step + (uint32_t)n, &loss, &error) != WEIR_OK) return cli_weir_error(&error);
    return draw_rule(b, graph, m, draws, step + SETTLE);
}

static void set_reference(bed *b, const measured *m) {
    double weights = 0;
    for (size_t i = 0; i < b->parameters; i++) b->reference[i] = 0;
    for (size_t k = 0; k < b->rule_count; k++) {
        if (b->graphs[k] == NULL || !m[k].unbiased) continue;
        const double weight = (double)m[k].draws / fmax(m[k].variance, 1e-30);
        for (size_t i = 0; i < b->parameters; i++) b->reference[i] += weight * m[k].mean[i];
        weights += weight;
    }
    b->reference_variance = 1 / weights;
    b->reference_norm = 0;
    for (size_t i = 0; i < b->parameters; i++) {
        b->reference[i] /= weights;
        b->reference_norm += b->reference[i] * b->reference[i];
    }
    // what noise adds to the length is taken away
    b->reference_norm = sqrt(fmax(b->reference_norm - b->reference_variance, 1e-30));
}

static void judge(bed *b, measured *m) {
    double fastest = INFINITY;
    for (size_t k = 0; k < b->rule_count; k++)
        if (b->graphs[k] != NULL) fastest = fmin(fastest, m[k].milliseconds);
    for (size_t k = 0; k < b->rule_count; k++) {
        if (b->graphs[k] == NULL) continue;
        double square = 0;
        for (size_t i = 0; i < b->parameters; i++) square += pow(m[k].mean[i] - b->reference[i], 2);
        m[k].noise = sqrt(m[k].variance / (double)m[k].draws + b->reference_variance);
        m[k].bias = m[k].unbiased ? 0 : sqrt(fmax(0, square - m[k].noise * m[k].noise));
        m[k].error = sqrt(m[k].bias * m[k].bias + m[k].variance * m[k].milliseconds / (BUDGET * fastest));
    }
}

static size_t best_of(const bed *b, const measured *m) {
    size_t best = SIZE_MAX;
    for (size_t k = 0; k < b->rule_count; k++)
        if (b->graphs[k] != NULL && (best == SIZE_MAX || m[k].error < m[best].error)) best = k;
    return best;
}

static int measure_point(bed *b, size_t point, size_t draws, cli_bar *bar, double started) {
    measured *m = b->results + point * b->rule_count;
    size_t best = SIZE_MAX;
    int status = CLI_OK;
    take_rows(b, NULL);
    for (size_t k = 0; k < b->rule_count && status == CLI_OK; k++) {
        if (b->graphs[k] == NULL) continue;
        const double done = (double)(point * b->rule_count + k) / (double)(b->points * b->rule_count);
        cli_bar_show(bar, done, done > 0 ? (cli_clock() - started) * (1 / done - 1) : -1, b->rules[k].text, "");
        status = start_rule(b, &b->rules[k], b->graphs[k], &m[k], draws, (uint32_t)point << 24);
        if (status == CLI_OK && cli_interrupted()) status = cli_error("stopped");
        if (!m[k].unbiased) continue;
        if (best == SIZE_MAX || m[k].variance * m[k].milliseconds < m[best].variance * m[best].milliseconds) best = k;
    }
    if (status == CLI_OK)
        status =
            draw_rule(b, b->graphs[best], &m[best], REFERENCE_FACTOR * draws, ((uint32_t)point << 24) + (1u << 20));
    if (status != CLI_OK) return status;
    set_reference(b, m);
    judge(b, m);
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
    const measured *m = b->results + point * b->rule_count;
    const double norm = b->reference_norm;
    cli_table table = {.align = "lrrrrrr"};
    printf("Step %zu: gradient of %zu parameters before the units, batch of %zu; |g| = %.4g\n\n", b->step[point],
           b->parameters, b->rows, norm);
    cli_table_add(&table, "rule\tevals\tms\tbias/|g|\tsd/|g|\tvariance*ms\terror at equal time");
    for (size_t k = 0; k < b->rule_count; k++) {
        char bias[CLI_NUMBER] = "0";
        if (b->graphs[k] == NULL) continue;
        if (!m[k].unbiased && m[k].bias > 2 * m[k].noise)
            snprintf(bias, sizeof bias, "%.3g", m[k].bias / norm);
        else if (!m[k].unbiased)
            snprintf(bias, sizeof bias, "< %.2g", fmax(2 * m[k].noise, m[k].bias) / norm);
        cli_table_add(&table, "%s\t%zu\t%.3g\t%s\t%.3g\t%.3g\t%.3g", b->rules[k].text, m[k].evaluations,
                      m[k].milliseconds, bias, sqrt(m[k].variance) / norm, m[k].variance * m[k].milliseconds,
                      m[k].error / norm);
    }
    cli_table_print(&table, stdout);
    printf("\n");
}

static void print_json(const bed *b, size_t point) {
    const measured *m = b->results + point * b->rule_count;
    for (size_t k = 0; k < b->rule_count; k++) {
        if (b->graphs[k] == NULL) continue;
        json_t *line = json_pack("{s:s, s:I, s:b, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:I}", "rule", b->rules[k].text,
                                 "step", (json_int_t)b->step[point], "unbiased", m[k].unbiased, "evaluations",
                                 (json_int_t)m[k].evaluations, "milliseconds", m[k].milliseconds, "bias", m[k].bias,
                                 "bias_noise", m[k].noise, "variance", m[k].variance, "gradient", b->reference_norm,
                                 "error_at_equal_time", m[k].error, "draws", (json_int_t)m[k].draws);
        if (json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6)) == 0) fputc('\n', stdout);
        json_decref(line);
    }
}

/// Which rule to use: the one of least error at equal time at most points, the last one deciding.
static void recommend(const bed *b) {
    size_t wins[256] = {0}, chosen = SIZE_MAX;
    for (size_t p = 0; p < b->points; p++) {
        const size_t best = best_of(b, b->results + p * b->rule_count);
        if (best >= CLI_COUNT_OF(wins)) continue;
        wins[best]++;
        if (chosen == SIZE_MAX || wins[best] >= wins[chosen]) chosen = best;
    }
    if (chosen == SIZE_MAX) return;
    cli_wrap(stdout, 0,
             "error at equal time: distance from the exact gradient of the mean of as many estimates as fit into the "
             "time of 100 of the fastest rule, over |g|. It counts variance, bias and cost; over a whole training, in "
             "which more is averaged, bias weighs more.");
    printf("\nUse %s: the least error at equal time at %zu of %zu points.\n", b->rules[chosen].text, wins[chosen],
           b->points);
    // what noise hides must not be recommended as if it were not there
    const measured *m = b->results + (b->points - 1) * b->rule_count;
    size_t exact = SIZE_MAX;
    for (size_t k = 0; k < b->rule_count; k++) {
        if (b->graphs[k] == NULL || !m[k].unbiased) continue;
        if (exact == SIZE_MAX || m[k].error < m[exact].error) exact = k;
    }
    if (m[chosen].unbiased) return;
    if (m[chosen].bias <= 2 * m[chosen].noise)
        printf("So many draws only tell that its bias is below %.2g of |g|; --draws N tells more.\n",
               2 * m[chosen].noise / b->reference_norm);
    printf("The best without bias: %s.\n", b->rules[exact].text);
}

static int draw_figures(const bed *b, const lab_options *o) {
    lab_curve curves[PANEL_CURVES];
    double x[MOST_POINTS], y[2][PANEL_CURVES][MOST_POINTS];
    size_t count = 0;
    for (size_t p = 0; p < b->points; p++) x[p] = (double)b->step[p];
    for (size_t k = 0; k < b->rule_count && count < PANEL_CURVES; k++) {
        if (b->graphs[k] == NULL) continue;
        for (size_t p = 0; p < b->points; p++) {
            const measured *m = &b->results[p * b->rule_count + k];
            y[0][count][p] = sqrt(m->variance);
            y[1][count][p] = m->error;
        }
        curves[count] = (lab_curve){b->rules[k].text, x, y[0][count], b->points};
        count++;
    }
    lab_panel panels[2] = {
        {"variance-sd", "Noise of the gradient", "standard deviation of one estimate", curves, count, NAN, NAN, true},
        {"variance-error", "Error at equal time", "distance of the mean from the exact gradient", curves, count, NAN,
         NAN, true}};
    int status = lab_draw(&panels[0], 1, o);
    for (size_t k = 0; k < count; k++) curves[k].y = y[1][k];
    return status == CLI_OK ? lab_draw(&panels[1], 1, o) : status;
}

int lab_variance(const lab_options *options, const char *operand) {
    bed b = {.points = options->points};
    const size_t epochs = options->epochs > 0 ? options->epochs : 1;
    cli_bar bar;
    const double started = cli_clock();
    if (is_model(operand) && options->epochs == 0) b.points = 1; // a finished network is measured where it is
    if (b.points > MOST_POINTS) return cli_usage("estimate", "--points is at most %d", MOST_POINTS);
    int status = open_bed(&b, options, operand);
    const size_t batches = status == CLI_OK ? weir_data_train(b.data).count / b.rows : 1, all = epochs * batches;
    size_t step = 0;
    cli_bar_begin(&bar);
    for (size_t p = 0; p < b.points && status == CLI_OK; p++) {
        status = train_to(&b, &step, b.points > 1 ? all * p / (b.points - 1) : 0, batches);
        b.step[p] = step;
        if (status == CLI_OK) status = measure_point(&b, p, (size_t)options->draws, &bar, started);
        cli_bar_clear(&bar);
        if (status == CLI_OK && options->json) print_json(&b, p);
        if (status == CLI_OK && !options->json) print_point(&b, p);
        cli_flush();
    }
    cli_bar_clear(&bar);
    if (status == CLI_OK && !options->json) recommend(&b);
    if (status == CLI_OK && options->out != NULL) status = draw_figures(&b, options);
    close_bed(&b);
    return status;
}
