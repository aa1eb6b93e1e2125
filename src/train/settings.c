// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// What a run is, as text: a line per setting of network, data and options. A checkpoint carries it, so that a run can
// only be continued as what it was, and so that the error can name the setting that differs. Left out is what changes
// when to stop or to save but no number: patience, checkpoint_seconds, and epochs unless the schedule looks at them.

#include <string.h>
#include <zlib.h>

#include "trainer.h"

// Text that grows; failed remembers that memory was short.
typedef struct text {
    char *data;
    size_t length, room;
    bool failed;
} text;

static void grow(text *t, size_t more) {
    if (t->failed || t->length + more + 1 <= t->room) return;
    const size_t room = 2 * (t->length + more + 1);
    char *data = weir__alloc(room, 1);
    t->failed = !data;
    if (!data) return;
    if (t->data) memcpy(data, t->data, t->length);
    weir__free(t->data);
    t->data = data;
    t->room = room;
}

WEIR_PRINTF(2, 3) static void add(text *t, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) t->failed = true;
    if (length > 0) grow(t, (size_t)length);
    if (t->failed) return;
    va_start(arguments, format);
    vsnprintf(t->data + t->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    t->length += (size_t)length;
}

static const char *or_empty(const char *string) { return string ? string : ""; }

static void add_network(text *t, const weir_graph *graph) {
    size_t count = 0;
    const weir_node *nodes = weir_graph_nodes(graph, &count);
    add(t, "network.nodes=%zu\n", count);
    for (size_t i = 0; i < count; i++) {
        const weir_node *n = &nodes[i];
        const struct {
            const char *key, *value;
        } strings[] = {{"kind", n->kind}, {"from", n->from},    {"gates", n->gates}, {"activation", n->activation},
                       {"rule", n->rule}, {"closed", n->closed}};
        const struct {
            const char *key;
            double value;
        } numbers[] = {{"dropout", n->dropout}, {"closed_share", n->closed_share}, {"init", n->init}, {"bias", n->bias},
                       {"rate", n->rate},       {"max_norm", n->max_norm}};
        for (size_t k = 0; k < sizeof strings / sizeof *strings; k++) {
            add(t, "network.%s.%s=%s\n", n->name, strings[k].key, or_empty(strings[k].value));
        }
        add(t, "network.%s.size=%zu\nnetwork.%s.block=%zu\nnetwork.%s.init_inputs=%zu\n", n->name, n->size, n->name,
            n->block, n->name, n->init_inputs);
        for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
            add(t, "network.%s.%s=%.17g\n", n->name, numbers[k].key, numbers[k].value);
        }
    }
}

// Of the targets of the first rows, enough to tell other data, or other noise in them.
static uLong checksum_of_targets(weir_part part) {
    float values[1024];
    uLong checksum = crc32_z(0, NULL, 0);
    const size_t columns = weir_rows_shape(part.targets).columns, room = sizeof values / sizeof *values;
    if (columns > room) return checksum;
    for (size_t r = 0; r < part.count && r < 1000; r++) {
        weir_rows_copy(part.targets, values, NULL, part.first + r, 1);
        checksum = crc32_z(checksum, (const unsigned char *)values, columns * sizeof *values);
    }
    return checksum;
}

// Rows of a part and a checksum of their labels (or targets): enough to tell another data set or another split.
static void add_part(text *t, const char *name, weir_part part) {
    uLong checksum = crc32_z(0, NULL, 0);
    if (part.targets) {
        add(t, "data.%s.targets=%zu\n", name, weir_rows_shape(part.targets).columns);
        checksum = checksum_of_targets(part);
    } else {
        checksum =
            crc32_z(checksum, (const unsigned char *)(part.labels + part.first), part.count * sizeof *part.labels);
    }
    add(t, "data.%s.rows=%zu\ndata.%s.columns=%zu\ndata.%s.labels=%08lx\n", name, part.count, name,
        weir_rows_shape(part.rows).columns, name, checksum);
}

static void add_options(text *t, const weir_train_options *o) {
    const weir_optimizer_options *p = &o->optimizer;
    const weir_sparsity_options *s = &o->sparsity;
    add(t, "train.seed=%llu\ntrain.batch=%zu\ntrain.test_threshold=%d\n", (unsigned long long)o->seed, o->batch,
        o->test_threshold);
    if (o->average > 0) add(t, "train.average=%.17g\n", o->average);
    if (weir__schedule_needs_epochs(p)) add(t, "train.epochs=%zu\n", o->epochs);
    add(t, "train.optimizer.kind=%s\ntrain.optimizer.schedule=%s\ntrain.optimizer.step_epochs=%zu\n", p->kind,
        p->schedule, p->step_epochs);
    add(t, "train.sparsity.kind=%s\n", s->kind);
    const struct {
        const char *key;
        double value;
    } numbers[] = {
        {"optimizer.rate", p->rate},
        {"optimizer.momentum", p->momentum},
        {"optimizer.beta1", p->beta1},
        {"optimizer.beta2", p->beta2},
        {"optimizer.epsilon", p->epsilon},
        {"optimizer.decay", p->decay},
        {"optimizer.step_factor", p->step_factor},
        {"optimizer.final_rate", p->final_rate},
        {"optimizer.rate_decay", p->rate_decay},
        {"sparsity.target", s->target},
        {"sparsity.train_target", s->train_target},
        {"sparsity.weight", s->weight},
        {"sparsity.adapt", s->adapt},
        {"sparsity.tolerance", s->tolerance},
        {"sparsity.bias_push", s->bias_push},
        {"sparsity.bias_rate", s->bias_rate},
        {"sparsity.average", s->average},
    };
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
        add(t, "train.%s=%.17g\n", numbers[k].key, numbers[k].value);
    }
}

weir_status weir__settings_print(char **out, weir_graph *graph, const weir_data *data,
                                 const weir_train_options *options, weir_error *error) {
    text t = {0};
    add_network(&t, graph);
    if (weir_graph_precision(graph) != WEIR_FLOAT32) {
        add(&t, "precision=%s\n", weir_precision_name(weir_graph_precision(graph)));
    }
    add_part(&t, "train", weir_data_train(data));
    add_part(&t, "valid", weir_data_valid(data));
    add_options(&t, options);
    if (weir_data_targets(data)) add(&t, "train.valid_samples=%zu\n", options->valid_samples);
    *out = t.failed ? NULL : t.data;
    if (!t.failed) return WEIR_OK;
    weir__free(t.data);
    return weir__fail(error, WEIR_MEMORY, "out of memory: the settings of a run");
}

static int line_length(const char *line) { return (int)strcspn(line, "\n"); }

weir_status weir__settings_compare(const char *saved, const char *current, weir_error *error) {
    while (*saved && *current) {
        const int a = line_length(saved), b = line_length(current);
        if (a != b || memcmp(saved, current, (size_t)a)) break;
        saved += a + (saved[a] == '\n');
        current += b + (current[b] == '\n');
    }
    if (!*saved && !*current) return WEIR_OK;
    return weir__fail(error, WEIR_CONFIG,
                      "the checkpoint is of another run: it has \"%.*s\", this run has \"%.*s\"; use the same "
                      "configuration, or train without resuming",
                      line_length(saved), saved, line_length(current), current);
}
