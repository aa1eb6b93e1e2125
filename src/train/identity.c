// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// What a run is, as text: a line per setting that changes its numbers (the tables of fields say which), and the rows
// themselves. A checkpoint carries it, so that a run can only be continued as what it was, and so that the error can
// name what differs.

#include <string.h>
#include <zlib.h>

#include "../config/options.h"
#include "../graph/fields.h"
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

// The fields of one struct of a list that change numbers there. prefix stands before their paths.
static void add_fields(text *t, const char *prefix, const weir__described *one, const weir__described *all,
                       const char *const *facts) {
    char number[WEIR__NUMBER_ROOM];
    for (size_t i = 0; i < one->fields->count; i++) {
        const weir__field *field = &one->fields->at[i];
        if (!weir__field_is_value(field) || !field->numbers) continue;
        if (!weir__condition_holds(field->numbers, all, facts)) continue;
        if (field->applies && !weir__condition_holds(field->applies, all, facts)) continue;
        const char *value = weir__field_text(field, one->object, number);
        add(t, "%s%s=%s\n", prefix, field->path, value ? value : "");
    }
}

static bool reads_closed(const weir_graph *graph, const weir_node *node) {
    return node->gates && weir__rule_reads_closed(weir_graph_unit(graph, weir_graph_find(graph, node->gates))->rule);
}

static void add_network(text *t, const weir_graph *graph) {
    size_t count = 0;
    const weir_node *nodes = weir_graph_nodes(graph, &count);
    add(t, "network.nodes=%zu\n", count);
    for (size_t i = 0; i < count; i++) {
        char prefix[256];
        const weir__described node[] = {{&weir__node_fields, &nodes[i]}, {0}};
        const char *facts[] = {reads_closed(graph, &nodes[i]) ? WEIR__FACT_READS_CLOSED : NULL, NULL};
        snprintf(prefix, sizeof prefix, "network.%s.", nodes[i].name);
        add_fields(t, prefix, node, node, facts);
    }
    add(t, "precision=%s\n", weir_precision_name(weir_graph_precision(graph)));
}

static void add_options(text *t, const weir_train_options *o, bool gates, bool targets) {
    const weir__described all[] = {{&weir__train_fields, o},
                                   {&weir__optimizer_fields, &o->optimizer},
                                   {&weir__sparsity_fields, &o->sparsity},
                                   {0}};
    const char *facts[] = {gates ? WEIR__FACT_GATES : "", targets ? WEIR__FACT_TARGETS : "", NULL};
    for (const weir__described *one = all; one->fields; one++) add_fields(t, "", one, all, facts);
}

// Of all values as they are read for a pass, so that files, binarisation and cuts count by what comes of them.
static weir_status checksum_of(uLong *checksum, const weir_rows *rows, size_t first, size_t count, weir_error *error) {
    enum { floats_at_a_time = 1 << 16 };
    weir_status status = WEIR_OK;
    float *values = NULL;
    const size_t columns = weir_rows_shape(rows).columns;
    const size_t most = columns < floats_at_a_time ? floats_at_a_time / columns : 1;
    *checksum = crc32_z(0, NULL, 0);
    TRY(weir__new(&values, most * columns, sizeof *values, "rows to compare with those of a checkpoint", error));
    for (size_t done = 0; done < count; done += most) {
        const size_t some = count - done < most ? count - done : most;
        weir_rows_copy(rows, values, NULL, first + done, some);
        *checksum = crc32_z(*checksum, (const unsigned char *)values, some * columns * sizeof *values);
    }
done:
    weir__free(values);
    return status;
}

// A stream's rows are not known in advance: its training part has none here.
static weir_status add_part(text *t, const char *name, weir_part part, weir_error *error) {
    weir_status status = WEIR_OK;
    uLong inputs = 0, targets = 0;
    add(t, "data.%s.rows=%zu\n", name, part.count);
    if (!part.count) return WEIR_OK;
    TRY(checksum_of(&inputs, part.rows, part.first, part.count, error));
    add(t, "data.%s.columns=%zu\ndata.%s.inputs=%08lx\n", name, weir_rows_shape(part.rows).columns, name, inputs);
    if (part.targets) {
        TRY(checksum_of(&targets, part.targets, part.first, part.count, error));
        add(t, "data.%s.targets=%08lx\n", name, targets);
    } else if (part.labels) {
        const unsigned char *labels = (const unsigned char *)(part.labels + part.first);
        add(t, "data.%s.labels=%08lx\n", name, crc32_z(0, labels, part.count * sizeof *part.labels));
    }
done:
    return status;
}

weir_status weir__identity_print(char **out, const weir_trainer *trainer, weir_error *error) {
    weir_status status = WEIR_OK;
    text t = {0};
    const weir_data *data = trainer->data;
    *out = NULL;
    add_network(&t, trainer->graph);
    add_options(&t, &trainer->options, trainer->gate_count > 0, trainer->targets != NULL);
    TRY(add_part(&t, "train", weir_data_train(data), error));
    TRY(add_part(&t, "valid", weir_data_valid(data), error));
    TRY(add_part(&t, "test", weir_data_test(data), error));
    TRY_THAT(!t.failed, WEIR_MEMORY, "out of memory: what a run is");
    *out = t.data;
    t.data = NULL;
done:
    weir__free(t.data);
    return status;
}

static int line_length(const char *line) { return (int)strcspn(line, "\n"); }

static const char *next_line(const char *line) {
    const char *const end = line + line_length(line);
    return *end ? end + 1 : end;
}

// The line of a text with the key of another line. NULL: there is none.
static const char *line_with_key(const char *lines, const char *line) {
    const size_t key = strcspn(line, "=\n") + 1;
    while (*lines && strncmp(lines, line, key) != 0) lines = next_line(lines);
    return *lines ? lines : NULL;
}

static bool same_line(const char *a, const char *b) {
    return line_length(a) == line_length(b) && !memcmp(a, b, (size_t)line_length(a));
}

// The first line of a text whose key the other has with another value (changed), or does not have. NULL: there is none.
static const char *first_apart(const char *lines, const char *other, bool changed) {
    for (; *lines; lines = next_line(lines)) {
        const char *const found = line_with_key(other, lines);
        if (changed ? found && !same_line(lines, found) : !found) return lines;
    }
    return NULL;
}

// A setting that has changed comes first: it may be why others, which have an effect in one run only, are missing.
weir_status weir__identity_compare(const char *saved, const char *current, weir_error *error) {
    if (!strcmp(saved, current)) return WEIR_OK;
    const char *then = first_apart(saved, current, true);
    if (!then) then = first_apart(saved, current, false);
    const char *now = then ? line_with_key(current, then) : first_apart(current, saved, false);
    const bool had = then != NULL, has = now != NULL;
    if (!had) then = now;
    if (!has) now = then;
    if (!then || !now) return weir__fail(error, WEIR_CONFIG, "the checkpoint is of another run");
    return weir__fail(error, WEIR_CONFIG,
                      "the checkpoint is of another run: it has %s\"%.*s\", this run has %s\"%.*s\"; use the same %s, "
                      "or train without resuming",
                      had ? "" : "no ", line_length(then), then, has ? "" : "no ", line_length(now), now,
                      strncmp(then, "data.", 5) ? "configuration" : "rows (files, and all settings data.*)");
}
