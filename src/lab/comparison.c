// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Rules side by side on a network: the gradient of the mean loss of one batch, drawn again and again by every rule with
// the same parameters, against the mean over all draws of all unbiased rules.

#include <math.h>
#include <string.h>

#include <weir/lab.h>

#include "../core/core.h"

enum { SETTLE = 30, REFERENCE_FACTOR = 10, BUDGET = 100, RULE_TEXT = 128 };

typedef struct entry {
    char text[RULE_TEXT];
    weir_graph *graph; ///< NULL: the network cannot have the rule
    char left_out[WEIR_ERROR_TEXT];
    const weir_unit *unit; ///< of the last unit node
    size_t width, layers;  ///< of that node; unit nodes
    bool unbiased;
    double *mean; ///< [parameters]
} entry;

struct weir_comparison {
    entry *entries;
    size_t count, parameters;
    bool *before; ///< [nodes] does the node stand before a unit
    double *sum, *square, *reference;
    double reference_variance;
};

static bool has_units(const weir_graph *graph, size_t node) {
    return weir_graph_kind(graph, node)->traits & WEIR_KIND_UNITS;
}

/// Marks the nodes that some unit reads, directly or not.
static void mark_before(bool *before, const weir_graph *graph) {
    size_t count, at;
    weir_graph_nodes(graph, &count);
    for (size_t i = count; i-- > 0;) {
        if (!has_units(graph, i) && !before[i]) continue;
        for (size_t k = 0; (at = weir_graph_reads(graph, i, k)) != SIZE_MAX; k++) before[at] = true;
        if (weir_graph_gates(graph, i) != SIZE_MAX) before[weir_graph_gates(graph, i)] = true;
    }
}

static size_t count_before(const bool *before, weir_graph *graph) {
    const weir_parameters_view p = weir_graph_parameters_read(graph);
    size_t count = 0;
    for (size_t t = 0; t < p.tensor_count; t++)
        if (before[p.tensors[t].node]) count += p.tensors[t].rows * p.tensors[t].columns;
    return count;
}

/// The network with another rule at every unit.
static weir_status make_entry(entry *e, weir_node *own, const weir_node *nodes, size_t count, const char *rule,
                              const weir_graph_options *options, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_error reason = {0};
    weir_unit unit;
    weir_graph_options making = *options;
    making.training = true;
    TRY_THAT(strlen(rule) < RULE_TEXT, WEIR_ARGUMENT, "a rule is too long: %.40s…", rule);
    TRY(weir_unit_parse_among(&unit, rule, options->rules, options->rule_count, error));
    strcpy(e->text, rule);
    memcpy(own, nodes, count * sizeof *own);
    for (size_t i = 0; i < count; i++) {
        const weir_kind *kind = own[i].kind ? weir_kind_find(own[i].kind) : NULL;
        if (kind && (kind->traits & WEIR_KIND_UNITS)) own[i].rule = e->text;
    }
    status = weir_graph_create(&e->graph, own, count, &making, &reason);
    if (status == WEIR_MEMORY) return weir__fail(error, status, "%s", reason.text);
    if (status != WEIR_OK) memcpy(e->left_out, reason.text, sizeof e->left_out);
    status = WEIR_OK;
    for (size_t i = 0; e->graph && i < count; i++) {
        if (!has_units(e->graph, i)) continue;
        e->layers++;
        e->unit = weir_graph_unit(e->graph, i);
        e->width = weir_graph_nodes(e->graph, &count)[i].size;
    }
    const unsigned exact = WEIR_TRAIT_UNBIASED | WEIR_TRAIT_BINARY;
    e->unbiased = e->unit && (e->unit->rule->traits & (exact | WEIR_TRAIT_BOUND)) == exact;
done:
    return status;
}

static weir_status fill(weir_comparison *c, const weir_node *nodes, size_t node_count, const char *const *rules,
                        const weir_graph_options *options, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_node *own = NULL;
    size_t unbiased = 0, made = SIZE_MAX;
    TRY(weir__new(&own, node_count, sizeof *own, "nodes", error));
    TRY(weir__new(&c->before, node_count, sizeof *c->before, "nodes", error));
    for (size_t k = 0; k < c->count; k++) {
        TRY(make_entry(&c->entries[k], own, nodes, node_count, rules[k], options, error));
        unbiased += c->entries[k].unbiased;
        if (c->entries[k].graph) made = k;
    }
    TRY_THAT(made != SIZE_MAX, WEIR_ARGUMENT, "no rule fits into the network; %s: %s", rules[0],
             c->entries[0].left_out);
    TRY_THAT(c->entries[made].layers > 0, WEIR_SHAPE, "the network has no stochastic units");
    TRY_THAT(unbiased > 0, WEIR_ARGUMENT,
             "a comparison needs an unbiased rule of binary units for its reference, like disarm");
    mark_before(c->before, c->entries[made].graph);
    c->parameters = count_before(c->before, c->entries[made].graph);
    TRY_THAT(c->parameters > 0, WEIR_SHAPE, "the network has no parameters before its units");
    TRY(weir__new(&c->sum, c->parameters, sizeof *c->sum, "gradients", error));
    TRY(weir__new(&c->square, c->parameters, sizeof *c->square, "gradients", error));
    TRY(weir__new(&c->reference, c->parameters, sizeof *c->reference, "gradients", error));
    for (size_t k = 0; k < c->count; k++)
        TRY(weir__new(&c->entries[k].mean, c->parameters, sizeof(double), "gradients", error));
done:
    weir__free(own);
    return status;
}

weir_status weir_comparison_create(weir_comparison **comparison, const weir_node *nodes, size_t node_count,
                                   const char *const *rules, size_t count, const weir_graph_options *options,
                                   weir_error *error) {
    weir_status status = WEIR_OK;
    weir_comparison *c = NULL;
    *comparison = NULL;
    TRY_THAT(count > 0, WEIR_ARGUMENT, "a comparison needs rules");
    TRY(weir__new(&c, 1, sizeof *c, "a comparison", error));
    TRY(weir__new(&c->entries, count, sizeof *c->entries, "a comparison", error));
    c->count = count;
    TRY(fill(c, nodes, node_count, rules, options, error));
    *comparison = c;
    c = NULL;
done:
    weir_comparison_free(c);
    return status;
}

void weir_comparison_free(weir_comparison *c) {
    if (!c) return;
    for (size_t k = 0; k < c->count; k++) {
        weir_graph_free(c->entries[k].graph);
        weir__free(c->entries[k].mean);
    }
    weir__free(c->entries);
    weir__free(c->before);
    weir__free(c->sum);
    weir__free(c->square);
    weir__free(c->reference);
    weir__free(c);
}

size_t weir_comparison_parameters(const weir_comparison *c) { return c->parameters; }

static weir_status draw_once(weir_graph *graph, const weir_pass *batch, uint32_t step, weir_error *error) {
    weir_pass pass = *batch;
    pass.mode = WEIR_MODE_SAMPLE;
    pass.seed = 20130815;
    pass.step = step;
    const weir_status status = weir_graph_forward(graph, &pass, error);
    return status == WEIR_OK ? weir_graph_backward(graph, &pass, error) : status;
}

/// Adds the gradient of the parameters before the units, and its square.
static void add_gradient(weir_comparison *c, weir_graph *graph) {
    const weir_parameters_view p = weir_graph_parameters_read(graph);
    for (size_t t = 0, at = 0; t < p.tensor_count; t++) {
        if (!c->before[p.tensors[t].node]) continue;
        const size_t count = p.tensors[t].rows * p.tensors[t].columns;
        const float *g = p.gradients + p.tensors[t].offset;
        for (size_t i = 0; i < count; i++, at++) {
            c->sum[at] += (double)g[i];
            c->square[at] += (double)g[i] * (double)g[i];
        }
    }
}

/// How far a measurement is, and whether the caller stops it.
typedef struct watch {
    weir_lab_progress progress;
    void *context;
    double done, total; ///< draws
} watch;

static bool goes_on(watch *w) { return !w->progress || w->progress(w->context, fmin(1, w->done++ / w->total)) == 0; }

/// Draws more estimates of a rule; its mean and variance are then those of all of them.
static weir_status draw_rule(weir_comparison *c, weir_measured *m, entry *e, const weir_pass *batch, size_t draws,
                             uint32_t first, watch *w, weir_error *error) {
    weir_status status = WEIR_OK;
    double *times = NULL;
    memset(c->sum, 0, c->parameters * sizeof *c->sum);
    memset(c->square, 0, c->parameters * sizeof *c->square);
    TRY(weir__new(&times, draws, sizeof *times, "times", error));
    for (size_t n = 0; n < draws; n++) {
        const double started = weir__seconds();
        TRY_THAT(goes_on(w), WEIR_INTERRUPTED, "stopped");
        TRY(draw_once(e->graph, batch, first + (uint32_t)n, error));
        times[n] = 1e3 * (weir__seconds() - started);
        add_gradient(c, e->graph);
    }
    const double before = (double)m->draws, now = (double)draws, all = before + now;
    double variance = 0;
    for (size_t i = 0; i < c->parameters; i++) {
        const double mean = c->sum[i] / now;
        variance += c->square[i] / now - mean * mean;
        e->mean[i] = (before * e->mean[i] + c->sum[i]) / all;
    }
    m->variance = (before * m->variance + now * (variance * now / (now - 1))) / all;
    if (m->draws == 0) m->milliseconds = weir_median(times, draws);
    m->draws += draws;
done:
    weir__free(times);
    return status;
}

static weir_status start_rule(weir_comparison *c, weir_measured *m, entry *e, weir_graph *from, const weir_pass *batch,
                              size_t draws, uint32_t step, watch *w, weir_error *error) {
    weir_status status = WEIR_OK;
    const weir_rule *rule = e->unit->rule;
    const size_t settle = weir_unit_state(e->unit, e->width) > 0 ? SETTLE : 2; // and memory is reserved
    m->unbiased = e->unbiased;
    m->evaluations = weir_unit_groups(e->unit, e->width, rule->traits & WEIR_TRAIT_LAYERS ? e->layers : 1);
    memset(e->mean, 0, c->parameters * sizeof *e->mean);
    TRY(weir_graph_values_copy(e->graph, from, error));
    for (size_t n = 0; n < settle; n++) TRY(draw_once(e->graph, batch, step + (uint32_t)n, error));
    TRY(draw_rule(c, m, e, batch, draws, step + SETTLE, w, error));
done:
    return status;
}

static double set_reference(weir_comparison *c, const weir_measured *m) {
    double weights = 0, square = 0;
    memset(c->reference, 0, c->parameters * sizeof *c->reference);
    for (size_t k = 0; k < c->count; k++) {
        if (!m[k].unbiased) continue;
        const double weight = (double)m[k].draws / fmax(m[k].variance, 1e-30);
        for (size_t i = 0; i < c->parameters; i++) c->reference[i] += weight * c->entries[k].mean[i];
        weights += weight;
    }
    c->reference_variance = 1 / weights;
    for (size_t i = 0; i < c->parameters; i++) {
        c->reference[i] /= weights;
        square += c->reference[i] * c->reference[i];
    }
    // what noise adds to the length is taken away
    return sqrt(fmax(square - c->reference_variance, 1e-30));
}

static void judge(const weir_comparison *c, weir_measured *m) {
    double fastest = INFINITY;
    for (size_t k = 0; k < c->count; k++)
        if (!m[k].left_out) fastest = fmin(fastest, m[k].milliseconds);
    for (size_t k = 0; k < c->count; k++) {
        if (m[k].left_out) continue;
        double square = 0;
        for (size_t i = 0; i < c->parameters; i++) square += pow(c->entries[k].mean[i] - c->reference[i], 2);
        m[k].noise = sqrt(m[k].variance / (double)m[k].draws + c->reference_variance);
        m[k].bias = m[k].unbiased ? 0 : sqrt(fmax(0, square - m[k].noise * m[k].noise));
        m[k].error = sqrt(m[k].bias * m[k].bias + m[k].variance * m[k].milliseconds / (BUDGET * fastest));
    }
}

weir_status weir_comparison_measure(weir_comparison *c, weir_measured *m, double *norm, weir_graph *graph,
                                    const weir_pass *batch, size_t draws, uint32_t point, weir_lab_progress progress,
                                    void *context, weir_error *error) {
    weir_status status = WEIR_OK;
    size_t best = SIZE_MAX;
    watch w = {progress, context, 0, (double)(draws * (c->count + REFERENCE_FACTOR))};
    TRY_THAT(draws >= 2, WEIR_ARGUMENT, "a variance needs at least 2 draws");
    for (size_t k = 0; k < c->count; k++) {
        entry *e = &c->entries[k];
        m[k] = (weir_measured){.left_out = e->graph ? NULL : e->left_out};
        if (!e->graph) continue;
        TRY(start_rule(c, &m[k], e, graph, batch, draws, point << 24, &w, error));
        if (!m[k].unbiased) continue;
        if (best == SIZE_MAX || m[k].variance * m[k].milliseconds < m[best].variance * m[best].milliseconds) best = k;
    }
    TRY(draw_rule(c, &m[best], &c->entries[best], batch, REFERENCE_FACTOR * draws, (point << 24) + (1u << 20), &w,
                  error));
    *norm = set_reference(c, m);
    judge(c, m);
done:
    return status;
}

size_t weir_measured_best(const weir_measured *m, size_t count, bool unbiased_only) {
    size_t best = SIZE_MAX;
    for (size_t k = 0; k < count; k++) {
        if (m[k].left_out || (unbiased_only && !m[k].unbiased)) continue;
        if (best == SIZE_MAX || m[k].error < m[best].error) best = k;
    }
    return best;
}

weir_status weir_graph_values_copy(weir_graph *to, weir_graph *from, weir_error *error) {
    const weir_parameters a = weir_graph_parameters(to);
    const weir_parameters_view b = weir_graph_parameters_read(from);
    if (a.tensor_count != b.tensor_count || a.count != b.count) {
        return weir__fail(error, WEIR_SHAPE, "the networks differ: %zu tensors of %zu parameters, and %zu of %zu",
                          a.tensor_count, a.count, b.tensor_count, b.count);
    }
    for (size_t t = 0; t < a.tensor_count; t++) {
        const weir_tensor *x = &a.tensors[t], *y = &b.tensors[t];
        if (strcmp(x->name, y->name) == 0 && x->rows == y->rows && x->columns == y->columns) continue;
        return weir__fail(error, WEIR_SHAPE, "the networks differ: '%s' [%zu×%zu] and '%s' [%zu×%zu]", x->name, x->rows,
                          x->columns, y->name, y->rows, y->columns);
    }
    memcpy(a.values, b.values, a.count * sizeof *a.values);
    return WEIR_OK;
}
