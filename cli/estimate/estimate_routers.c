// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file estimate_routers.c
/// `weir estimate routers`: bias, variance and cost of every rule for variables of several outputs, as the gates of a
/// mixture of experts. The loss of a row is the cross-entropy of logits base + Σ_i h_i·v_i, v_i what expert i gives, so
/// that the exact gradient of its mean follows from all outcomes of a draw. Two places: experts of random numbers, and
/// the rows of a network that has been trained.
#include "estimate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plot/draw.h"

enum { ROW_CLASSES = 10, MOST_EXPERTS = 64, OUTCOMES_MOST = 4096, NODES = 4 };

/// One row of a layer of experts.
typedef struct routed_row {
    size_t experts, label;
    float a[MOST_EXPERTS], base[ROW_CLASSES], v[MOST_EXPERTS][ROW_CLASSES];
} routed_row;

/// What came of a rule: means over the rows of squares, relative to that of the exact gradient. Where that is unknown
/// or 0, as they are. Means of unbiased rules are judged at the toy alone: outcomes that are hardly ever drawn have
/// great gradients, as those of a trained layer do, and no number of draws in reach tells of them.
typedef struct routed_result {
    bool measured, known; ///< known: its exact gradient
    bool flat;            ///< it is 0: the mean loss of what a finished network draws has no slope
    bool differs;         ///< from it, though it is said to be unbiased
    size_t evaluations;
    double bias, noise, variance, microseconds;
} routed_result;

static weir_status routed_loss(void *context, size_t rows, size_t units, const uint32_t *example, const float *h,
                               float *loss, float *dh, weir_error *error) {
    const routed_row *row = context;
    (void)example, (void)error;
    for (size_t r = 0; r < rows; r++, h += units) {
        float z[ROW_CLASSES], top = -INFINITY, sum = 0;
        memcpy(z, row->base, sizeof z);
        for (size_t i = 0; i < units; i++)
            for (size_t c = 0; h[i] != 0 && c < ROW_CLASSES; c++) z[c] += h[i] * row->v[i][c];
        for (size_t c = 0; c < ROW_CLASSES; c++) top = z[c] > top ? z[c] : top;
        const float own = z[row->label];
        for (size_t c = 0; c < ROW_CLASSES; c++) sum += z[c] = expf(z[c] - top);
        loss[r] = logf(sum) + top - own;
        for (size_t c = 0; dh && c < ROW_CLASSES; c++) z[c] = z[c] / sum - (c == row->label);
        for (size_t i = 0; dh && i < units; i++) {
            float slope = 0;
            for (size_t c = 0; c < ROW_CLASSES; c++) slope += row->v[i][c] * z[c];
            dh[r * units + i] = slope;
        }
    }
    return WEIR_OK;
}

// ---- the exact gradient --------------------------------------------------------------------------------------------

/// All outcomes of the layer, by its unit: outputs before and after they have weights, losses, and ∂L/∂h.
typedef struct outcomes {
    size_t count;
    double *chance;
    float *open, *a, *h, *loss, *dh;
} outcomes;

static void outcomes_free(outcomes *o) {
    free(o->chance);
    free(o->open);
    free(o->a);
    free(o->h);
    free(o->loss);
    free(o->dh);
}

/// Outputs of the layer with a[moved] farther by a step.
static void weigh_all(outcomes *o, const weir_unit *unit, const routed_row *row, size_t moved, float step) {
    const size_t n = row->experts;
    for (size_t k = 0; k < o->count * n; k++) o->a[k] = row->a[k % n] + (k % n == moved ? step : 0);
    memcpy(o->h, o->open, o->count * n * sizeof *o->h);
    const weir_unit_batch batch = {.rows = o->count, .units = n, .a = o->a, .h = o->h, .groups = 1, .layers = 1};
    if (unit->rule->weigh != NULL) unit->rule->weigh(unit, &batch);
}

/// The outcomes of draws that can be listed, and the one of those that are not random; none for others.
static bool list_outcomes(outcomes *o, const weir_unit *unit, const routed_row *row) {
    const weir_draw *draw = weir_unit_draw(unit);
    const size_t n = row->experts, listed = draw->outcomes != NULL ? draw->outcomes(unit) : 0;
    *o = (outcomes){.count = draw->traits & WEIR_DRAW_RANDOM ? listed : 1};
    if (o->count == 0 || o->count > OUTCOMES_MOST) return false;
    o->chance = calloc(o->count, sizeof *o->chance);
    o->open = calloc(o->count * n, sizeof *o->open);
    o->a = calloc(o->count * n, sizeof *o->a);
    o->h = calloc(o->count * n, sizeof *o->h);
    o->loss = calloc(o->count, sizeof *o->loss);
    o->dh = calloc(o->count * n, sizeof *o->dh);
    if (!o->chance || !o->open || !o->a || !o->h || !o->loss || !o->dh) return false;
    const weir_unit_batch one = {.rows = 1, .units = n, .a = row->a, .h = o->open, .groups = 1, .layers = 1};
    if (!(draw->traits & WEIR_DRAW_RANDOM)) draw->decide(unit, &one);
    for (size_t s = 0; s < o->count; s++) {
        if (draw->traits & WEIR_DRAW_RANDOM) draw->outcome(unit, s, o->open + s * n);
        o->chance[s] = draw->traits & WEIR_DRAW_RANDOM ? draw->chance(unit, row->a, o->open + s * n) : 1;
    }
    return true;
}

/// gradient[n] of the mean loss of what a finished network draws: Σ P·(L·∂log P/∂a + Σ_j ∂L/∂h_j·∂h_j/∂a), the weights
/// of open gates by differences. False: unknown.
static bool exact_gradient(double *gradient, const weir_unit *unit, const routed_row *row) {
    static const struct {
        float step;
        double weight;
    } points[] = {{0.1f, 8}, {-0.1f, -8}, {0.2f, -1}, {-0.2f, 1}}; // a difference of fourth order, over 1.2
    const weir_draw *draw = weir_unit_draw(unit);
    const size_t n = row->experts;
    outcomes o;
    const bool known = list_outcomes(&o, unit, row);
    for (size_t i = 0; i < n; i++) gradient[i] = 0;
    if (known) {
        float score[MOST_EXPERTS];
        weigh_all(&o, unit, row, n, 0);
        (void)routed_loss((void *)row, o.count, n, NULL, o.h, o.loss, o.dh, NULL);
        for (size_t s = 0; (draw->traits & WEIR_DRAW_RANDOM) && s < o.count; s++) {
            draw->score(unit, n, row->a, o.open + s * n, score);
            for (size_t i = 0; i < n; i++) gradient[i] += o.chance[s] * (double)(o.loss[s] * score[i]);
        }
        for (size_t i = 0; unit->rule->weigh != NULL && i < n; i++)
            for (size_t p = 0; p < CLI_COUNT_OF(points); p++) {
                weigh_all(&o, unit, row, i, points[p].step);
                for (size_t k = 0; k < o.count * n; k++)
                    gradient[i] += o.chance[k / n] * (double)o.dh[k] * points[p].weight * (double)o.h[k] / 1.2;
            }
    }
    outcomes_free(&o);
    return known;
}

// ---- measuring -----------------------------------------------------------------------------------------------------

static double total(const double *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    return sum;
}

/// One rule at all rows. Rules that do not fit, or want more than 2000 evaluations, are left out.
static void measure(routed_result *result, const weir_unit *unit, const routed_row *rows, size_t count, double draws) {
    enum { batch = 100 };
    const size_t n = rows[0].experts;
    double bias = 0, noise = 0, variance = 0, length = 0, seconds = 0, made = 0;
    weir_unit fitted = *unit;
    // What is unbiased for a bound is not judged by the gradient of the mean loss.
    *result = (routed_result){.known = !(unit->rule->traits & WEIR_TRAIT_BOUND)};
    if (weir_unit_fit(&fitted, n, NULL) != WEIR_OK) return;
    result->evaluations = weir_unit_groups(&fitted, n, 1);
    if (result->evaluations == 0 || result->evaluations > 2000) return;
    for (size_t r = 0; r < count; r++) {
        double mean[MOST_EXPERTS], spread[MOST_EXPERTS], exact[MOST_EXPERTS], off = 0;
        weir_moments m = {.mean = mean, .variance = spread};
        weir_estimator *e = NULL;
        if (weir_estimator_create(&e, unit, n, batch, 7 + r, NULL) != WEIR_OK) return;
        // baselines and control variates settle first
        weir_status status = weir_estimate_moments(e, &m, rows[r].a, 20 * batch, routed_loss, (void *)&rows[r], NULL);
        const clock_t begun = clock();
        if (status == WEIR_OK)
            status = weir_estimate_moments(e, &m, rows[r].a, (uint64_t)draws, routed_loss, (void *)&rows[r], NULL);
        seconds += (double)(clock() - begun) / CLOCKS_PER_SEC;
        made += (double)m.draws;
        weir_estimator_free(e);
        if (status != WEIR_OK) return;
        result->known = result->known && exact_gradient(exact, &fitted, &rows[r]);
        for (size_t i = 0; i < n; i++) {
            const double error = sqrt(spread[i] / (double)m.draws) + 1e-4 * fabs(exact[i]) + 1e-6;
            off += (mean[i] - exact[i]) * (mean[i] - exact[i]);
            length += exact[i] * exact[i];
            result->differs = result->differs || (count == 1 && fabs(mean[i] - exact[i]) > 5.5 * error);
        }
        bias += off;
        noise += total(spread, n) / (double)m.draws;
        variance += total(spread, n);
    }
    result->measured = true;
    const weir_rule *rule = unit->rule;
    result->differs = result->differs && result->known && (rule->traits & WEIR_TRAIT_UNBIASED) &&
                      !(rule->traits & WEIR_TRAIT_BOUND) && rule->states == NULL;
    result->flat = result->known && length == 0;
    if (result->flat || !result->known) length = 1;
    result->bias = result->known ? sqrt(fmax(0, bias - noise) / length) : NAN;
    result->noise = sqrt(noise / length);
    result->variance = variance / length;
    result->microseconds = 1e6 * seconds / made;
}

// ---- places --------------------------------------------------------------------------------------------------------

/// 16 experts that give normal numbers to ten classes, at normal pre-activations.
static void make_toy(routed_row *row) {
    const weir_noise noise = {.seed = 20261201};
    *row = (routed_row){.experts = 16, .label = 3};
    weir_random_normal(row->a, noise, 0, row->experts);
    for (uint32_t i = 0; i < row->experts; i++) weir_random_normal(row->v[i], noise, 1 + i, ROW_CLASSES);
}

/// The tensor of a node that is a weight, or a bias; NULL after a message.
static float *values_of(weir_graph *graph, const char *node, weir_role role) {
    const weir_parameters_view p = weir_graph_parameters_read(graph);
    weir_error error = {0};
    for (size_t t = 0; t < p.tensor_count; t++) {
        if (p.tensors[t].node != weir_graph_find(graph, node) || p.tensors[t].role != role) continue;
        float *values = calloc(p.tensors[t].rows * p.tensors[t].columns, sizeof *values);
        if (values != NULL && weir_graph_values_get(graph, values, t, &error) == WEIR_OK) return values;
        free(values);
    }
    cli_error("%s", error.text[0] != '\0' ? error.text : "out of memory: parameters");
    return NULL;
}

/// What each expert gives to the classes for an input, by the parameters, and what all else gives. The network's own
/// outputs check it.
static int take_row(routed_row *row, weir_graph *graph, const weir_pass *pass, size_t r) {
    float *const weights[NODES] = {
        values_of(graph, "experts", WEIR_ROLE_WEIGHT), values_of(graph, "experts", WEIR_ROLE_BIAS),
        values_of(graph, "routed", WEIR_ROLE_WEIGHT), values_of(graph, "routed", WEIR_ROLE_BIAS)};
    const weir_node *nodes = weir_graph_nodes(graph, NULL);
    const size_t gates = weir_graph_find(graph, "gates"), experts = weir_graph_find(graph, "experts");
    const size_t n = nodes[gates].size, width = nodes[experts].size, block = width / n;
    const size_t columns = nodes[weir_graph_find(graph, "noisy")].size;
    const float *x = weir_graph_output(graph, weir_graph_find(graph, "noisy")) + r * columns;
    const float *h = weir_graph_output(graph, gates) + r * n;
    const float *logits = weir_graph_output(graph, weir_graph_find(graph, "logits")) + r * ROW_CLASSES;
    const float *routed = weir_graph_output(graph, weir_graph_find(graph, "routed")) + r * ROW_CLASSES;
    int status = CLI_OK;
    for (size_t k = 0; k < NODES; k++)
        if (weights[k] == NULL) status = CLI_FAILED;
    *row = (routed_row){.experts = n, .label = (size_t)pass->labels[r]};
    memcpy(row->a, weir_graph_output(graph, weir_graph_find(graph, "gater")) + r * n, n * sizeof *row->a);
    memcpy(row->base, logits, sizeof row->base);
    for (size_t u = 0; status == CLI_OK && u < width; u++) {
        float value = weights[1][u];
        for (size_t i = 0; i < columns; i++) value += weights[0][u * columns + i] * x[i];
        for (size_t c = 0; value > 0 && c < ROW_CLASSES; c++) row->v[u / block][c] += value * weights[2][c * width + u];
    }
    for (size_t c = 0; status == CLI_OK && c < ROW_CLASSES; c++) {
        float sum = weights[3][c];
        for (size_t i = 0; i < n; i++) {
            row->base[c] -= h[i] * row->v[i][c];
            sum += h[i] * row->v[i][c];
        }
        if (!(fabsf(sum - routed[c]) <= 1e-3f * (1 + fabsf(routed[c]))))
            status = cli_error("the experts' outputs are not what the network makes of them: %g and %g", (double)sum,
                               (double)routed[c]);
    }
    for (size_t k = 0; k < NODES; k++) free(weights[k]);
    return status;
}

/// Trains mnist-moe for some epochs, on MNIST where its folder is given, else on the built-in digits; takes test rows.
static int make_trained(routed_row *rows, size_t count, const lab_options *o) {
    static const char *const settings[] = {"data.source=digits", "data.train=10000", "data.valid=1000",
                                           "data.test=1000", "train.epochs=2"};
    weir_error error = {0};
    weir_config config = {0};
    weir_data *data = NULL;
    weir_graph *graph = NULL;
    weir_trainer *trainer = NULL;
    weir_status status = weir_config_load(&config, "mnist-moe", o->data != NULL ? settings + 4 : settings,
                                          o->data != NULL ? 1 : CLI_COUNT_OF(settings), &error);
    if (status == WEIR_OK && o->epochs > 0) config.train.epochs = o->epochs;
    if (status == WEIR_OK && o->data != NULL) status = weir_config_data_folder(&config, o->data, &error);
    if (status == WEIR_OK) status = weir_data_load(&data, &config.data, &error);
    weir_graph_options making = weir_graph_options_default(config.train.batch);
    making.training = true;
    making.seed = config.train.seed;
    if (status == WEIR_OK) status = weir_graph_create(&graph, config.network, config.network_count, &making, &error);
    if (status == WEIR_OK) status = weir_trainer_create(&trainer, graph, data, &config.train, &error);
    if (status == WEIR_OK) status = weir_trainer_run(trainer, NULL, NULL, NULL, NULL, &error);
    float *inputs = data != NULL ? calloc(count * weir_data_columns(data), sizeof *inputs) : NULL;
    int done = status == WEIR_OK ? CLI_OK : cli_weir_error(&error);
    if (done == CLI_OK && inputs == NULL) done = cli_error("out of memory");
    if (done == CLI_OK) {
        const weir_part part = weir_data_test(data);
        const weir_pass pass = {
            .mode = WEIR_MODE_DECIDE, .rows = count, .inputs = inputs, .labels = part.labels + part.first};
        weir_rows_copy(part.rows, inputs, NULL, part.first, count);
        if (weir_graph_forward(graph, &pass, &error) != WEIR_OK) done = cli_weir_error(&error);
        for (size_t r = 0; r < count && done == CLI_OK; r++) done = take_row(&rows[r], graph, &pass, r);
    }
    free(inputs);
    weir_trainer_free(trainer);
    weir_graph_free(graph);
    weir_data_free(data);
    weir_config_free(&config);
    return done;
}

// ---- what is said --------------------------------------------------------------------------------------------------

static void print_place(const lab_rules *rules, const routed_result *results, const char *title, const lab_options *o) {
    cli_table table = {.align = "llrrrrr"};
    if (o->json) {
        for (size_t k = 0; k < rules->count; k++) {
            const routed_result *m = &results[k];
            if (!m->measured) continue;
            json_t *line = json_pack("{s:s, s:s, s:I, s:b}", "place", title, "rule", rules->texts[k], "evaluations",
                                     (json_int_t)m->evaluations, "differs", m->differs);
            json_object_set_new(line, "bias", lab_number(m->bias));
            json_object_set_new(line, "noise", lab_number(m->noise));
            json_object_set_new(line, "variance", lab_number(m->variance));
            json_object_set_new(line, "microseconds", lab_number(m->microseconds));
            lab_print_line(line);
        }
        return;
    }
    printf(o->markdown
               ? "## %s\n\n| rule | unbiased | evals | bias | sd | var·ev | µs |\n|---|---|---|---|---|---|---|\n"
               : "%s\n\n",
           title);
    if (!o->markdown) cli_table_add(&table, "rule\tunbiased\tevals\tbias\tsd\tvar·ev\tµs");
    for (size_t k = 0; k < rules->count; k++) {
        const routed_result *m = &results[k];
        const bool unbiased =
            (rules->units[k].rule->traits & WEIR_TRAIT_UNBIASED) && rules->units[k].rule->states == NULL;
        char bias[CLI_NUMBER] = "0", row[200];
        if (!m->measured) continue;
        if (!m->known || m->flat)
            snprintf(bias, sizeof bias, m->flat ? "flat" : "–");
        else if (!unbiased && m->bias < 2 * m->noise)
            snprintf(bias, sizeof bias, "< %.1g", 2 * m->noise);
        else if (!unbiased || m->differs)
            snprintf(bias, sizeof bias, "%.3g", m->bias);
        const char *apart = o->markdown ? " | " : "\t";
        snprintf(row, sizeof row, "%s%s%s%s%zu%s%s%s%.3g%s%.3g%s%.2f", rules->texts[k], apart, unbiased ? "yes" : "no",
                 apart, m->evaluations, apart, bias, apart, sqrt(m->variance), apart,
                 m->variance * (double)m->evaluations, apart, m->microseconds);
        if (o->markdown)
            printf("| %s |\n", row);
        else
            cli_table_add(&table, "%s", row);
    }
    if (!o->markdown) cli_table_print(&table, stdout);
    putchar('\n');
}

/// Bias and standard deviation of every rule, a line each.
static void write_figure(FILE *out, const lab_rules *rules, const routed_result *results, const char *title) {
    size_t lines = 0;
    fprintf(out, "$d << EOD\n");
    for (size_t k = 0; k < rules->count; k++)
        if (results[k].measured && results[k].known && !results[k].flat)
            fprintf(out, "%zu %.6g %.6g\n", lines++, results[k].bias > 2 * results[k].noise ? results[k].bias : NAN,
                    sqrt(results[k].variance) > 1e-6 ? sqrt(results[k].variance) : NAN);
    fprintf(out, "EOD\n");
    draw_title(out, title, "of one estimate, over the length of the exact gradient");
    fprintf(out,
            "set lmargin 58\nset tmargin 4\nset grid xtics ytics linetype 1 linecolor rgb '#e6e6e6' linewidth 1\n"
            "set logscale x\nset format x '%%g'\nset xrange [0.003:100]\nset yrange [%zu.5:-0.5]\nset ytics (",
            lines > 0 ? lines - 1 : 0);
    for (size_t k = 0, line = 0; k < rules->count; k++) {
        if (!results[k].measured || !results[k].known || results[k].flat) continue;
        if (line > 0) fprintf(out, ", ");
        draw_quoted(out, rules->texts[k]);
        fprintf(out, " %zu", line++);
    }
    fprintf(out,
            ") noenhanced\nset key at graph 1, graph 1.02 right bottom horizontal\n"
            "plot $d using 2:1 with points pointtype 7 pointsize 0.6 linecolor rgb '%s' title 'bias', "
            "$d using 3:1 with points pointtype 6 pointsize 0.6 linewidth 2 linecolor rgb '%s' title 'standard "
            "deviation'\n",
            draw_colour(1), draw_colour(0));
}

static int draw_places(const lab_rules *rules, routed_result *const *results, const char *const *titles,
                       const lab_options *o) {
    static const char *const files[] = {"routers-toy", "routers-trained"};
    char *script = NULL;
    size_t size = 0;
    cli_list written = {0};
    if (cli_folder_make(o->out) != CLI_OK) return CLI_FAILED;
    FILE *out = open_memstream(&script, &size);
    if (out == NULL) return cli_error("out of memory");
    for (size_t p = 0; p < 2; p++) {
        draw_begin(out, o->out, files[p], o->format, 1000, 120 + 19 * (int)rules->count, &written);
        write_figure(out, rules, results[p], titles[p]);
    }
    int status = fclose(out) == 0 ? draw_files(script, &written) : cli_error("out of memory");
    for (size_t k = 0; status == CLI_OK && !o->json && !o->markdown && k < written.count; k++)
        printf("%s\n", written.items[k]);
    free(script);
    cli_list_free(&written);
    return status;
}

/// Of all forms of rules those for variables of several outputs.
static void keep_variables(lab_rules *rules) {
    size_t kept = 0;
    for (size_t k = 0; k < rules->count; k++) {
        if (weir_unit_variable(&rules->units[k]) == 1) continue;
        rules->units[kept] = rules->units[k];
        memmove(rules->texts[kept++], rules->texts[k], LAB_TEXT);
    }
    rules->count = kept;
}

/// The processor's name where the system says it, else "".
static void find_processor(char *name, size_t size) {
    FILE *in = fopen("/proc/cpuinfo", "r");
    char line[256];
    name[0] = '\0';
    while (in != NULL && name[0] == '\0' && fgets(line, sizeof line, in) != NULL) {
        const char *value = strncmp(line, "model name", 10) == 0 ? strchr(line, ':') : NULL;
        if (value != NULL) snprintf(name, size, "%.*s, ", (int)strcspn(value + 2, "\n"), value + 2);
    }
    if (in != NULL) fclose(in);
}

static void print_head(const lab_options *o) {
    if (!o->markdown) return;
    printf("<!-- SPDX-FileCopyrightText: 2026 The weir authors -->\n<!-- SPDX-License-Identifier: MIT -->\n"
           "<!-- Written by: weir estimate routers --markdown. Not by hand. -->\n\n"
           "# Gradients of routers, measured\n\n");
    cli_wrap(
        stdout, 0,
        "Every rule for one of C or k of n outputs as the gates of a mixture of experts. The loss of a row is the "
        "cross-entropy of ten logits, the sum of what the open experts give, each times its gate. The exact gradient "
        "is that of the mean over all outcomes of the rule's own draw, with its weights, so that rows with different "
        "draws have different ones. bias: distance of the mean of many estimates from it, less what chance makes of "
        "it; sd: standard deviation of one estimate, all outputs together; both over the length of the exact "
        "gradient. –: it is unknown; flat: it is 0, as the gates are 0 or 1 and not random, and a straight-through "
        "gradient is a surrogate alone; values are then absolute. var·ev: the square of sd times evaluations of the "
        "loss. µs: processor time of an estimate, the loss included. What papers and enumeration disagree about is "
        "in [papers.md](papers.md).");
    putchar('\n');
}

static void print_foot(const lab_options *o, size_t rows) {
    char processor[200];
    if (o->json) return;
    find_processor(processor, sizeof processor);
    printf("%s%s, %d thread%s; %.3g draws per rule and place; the trained layer: built-in mnist-moe after %zu epochs "
           "on %s, "
           "%zu test rows. weir %s\n",
           processor, weir_isa_name(weir_isa_current()), weir_threads(), weir_threads() == 1 ? "" : "s", o->draws,
           o->epochs > 0 ? o->epochs : 2, o->data != NULL ? "MNIST" : "10,000 built-in digits", rows, weir_version());
    if (o->markdown) printf("\n![of the toy](routers-toy.svg)\n\n![of the trained layer](routers-trained.svg)\n");
}

int lab_routers(const lab_options *o) {
    enum { trained_rows = 4 };
    static const char *const titles[] = {"Sixteen experts of random numbers", "A trained layer of 32 experts"};
    lab_rules rules;
    routed_row *rows = calloc(1 + trained_rows, sizeof *rows);
    int status = lab_rules_read(&rules, o->rules, false);
    keep_variables(&rules);
    routed_result *results[2] = {calloc(rules.count + 1, sizeof **results), calloc(rules.count + 1, sizeof **results)};
    size_t differing = 0;
    lab_bar bar;
    if (status == CLI_OK && (rows == NULL || results[0] == NULL || results[1] == NULL))
        status = cli_error("out of memory");
    if (status == CLI_OK && rules.count == 0)
        status = cli_usage("estimate", "no rule of --rules is for several outputs");
    if (status == CLI_OK) {
        make_toy(&rows[0]);
        status = make_trained(rows + 1, trained_rows, o);
    }
    lab_bar_begin(&bar, "routers");
    for (size_t k = 0; k < 2 * rules.count && status == CLI_OK; k++) {
        const size_t place = k / rules.count, rule = k % rules.count;
        measure(&results[place][rule], &rules.units[rule], rows + place, place == 0 ? 1 : trained_rows,
                place == 0 ? o->draws : o->draws / trained_rows);
        differing += results[place][rule].differs;
        if (lab_bar_show(&bar, (double)(k + 1) / (double)(2 * rules.count)) != 0) status = CLI_FAILED;
    }
    cli_bar_clear(&bar.bar);
    if (status == CLI_OK) print_head(o);
    for (size_t p = 0; p < 2 && status == CLI_OK; p++) print_place(&rules, results[p], titles[p], o);
    if (status == CLI_OK) print_foot(o, trained_rows);
    if (status == CLI_OK && o->out != NULL) status = draw_places(&rules, results, titles, o);
    if (status == CLI_OK && differing > 0)
        status = cli_error("%zu means of unbiased rules are not the exact gradient", differing);
    lab_rules_free(&rules);
    free(results[0]);
    free(results[1]);
    free(rows);
    return status;
}
