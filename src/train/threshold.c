// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Thresholds for test time: a value of the pre-activation above which exactly the target share of a layer's (row, gate)
// pairs lies, over a part of the data (appendix A.3 of Bengio, Léonard and Courville 2013). It is in the middle between
// two pre-activations: on one of them, that gate would open or not by the last bit, which differs between batches.
//
// The order statistic is exact and needs no list of the values: a float's bits, made to ascend with its value, are
// counted by their upper 16 bits in a first pass over the rows; a second pass counts by the lower 16 bits those in the
// one upper class that holds the wanted rank. Layers are fitted in the order of the graph, since a later gater may see
// earlier gates; meanwhile the gates of the layer at hand and of those after it are shut, so that no expert is computed
// that the gater does not need.

#include <math.h>
#include <string.h>

#include "evaluate.h"
#include "sparsity.h"

enum { classes = 1 << 16 };

typedef struct selection {
    uint64_t upper[classes], lower[classes]; // counts
    uint64_t total;
    uint32_t before, behind; // the greatest below the class that is counted by lower bits, and the least above it
} selection;

// Bits that ascend as the floats do. Adding 0 makes −0 the same as 0, as a comparison takes it.
static uint32_t order_bits(float a) {
    const float value = a + 0.0f;
    uint32_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

static float value_of(uint32_t ordered) {
    const uint32_t bits = ordered & 0x80000000u ? ordered & 0x7fffffffu : ~ordered;
    float value = 0;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void count_upper(selection *s, const float *a, size_t count) {
    for (size_t k = 0; k < count; k++) s->upper[order_bits(a[k]) >> 16]++;
    s->total += count;
}

static void count_lower(selection *s, const float *a, size_t count, uint32_t class) {
    for (size_t k = 0; k < count; k++) {
        const uint32_t ordered = order_bits(a[k]);
        if (ordered >> 16 == class) s->lower[ordered & 0xffff]++;
        if (ordered >> 16 < class && ordered > s->before) s->before = ordered;
        if (ordered >> 16 > class && ordered < s->behind) s->behind = ordered;
    }
}

// The value next to a counted one among all: above it, or below. The value itself where there is none.
static float neighbour(const selection *s, uint32_t upper, uint32_t lower, bool above) {
    for (uint32_t k = lower; above ? k < classes - 1 : k > 0;) {
        k = above ? k + 1 : k - 1;
        if (s->lower[k]) return value_of(upper << 16 | k);
    }
    const uint32_t other = above ? s->behind : s->before;
    return value_of(other == 0 || other == UINT32_MAX ? upper << 16 | lower : other);
}

// A threshold that `low` does not exceed and `high` does.
static float between(float low, float high) {
    const float middle = low / 2 + high / 2;
    return middle >= low && middle < high ? middle : low;
}

// The class that holds rank *rank (from 0, ascending), which becomes the rank inside it.
static uint32_t find_class(const uint64_t *counts, uint64_t *rank) {
    uint32_t class = 0;
    while (class < classes - 1 && *rank >= counts[class]) *rank -= counts[class ++];
    return class;
}

// One pass over the rows: counts of the pre-activations of a unit node, by the upper bits, or the lower ones of a
// class.
static weir_status scan(selection *s, weir_graph *graph, weir__feed *feed, size_t node, const uint32_t *class,
                        weir_error *error) {
    const size_t from = weir_graph_reads(graph, node, 0), units = weir_graph_nodes(graph, NULL)[node].size;
    weir__feed_rewind(feed);
    while (weir__feed_next(feed)) {
        const weir_pass pass = {.mode = WEIR_MODE_DECIDE, .rows = feed->rows, .inputs = feed->inputs};
        const weir_status status = weir_graph_forward(graph, &pass, error);
        if (status != WEIR_OK) return status;
        const float *a = weir_graph_output(graph, from);
        if (!a) return weir__fail(error, WEIR_MEMORY, "out of memory: pre-activations of a batch");
        if (class) {
            count_lower(s, a, feed->rows * units, *class);
        } else {
            count_upper(s, a, feed->rows * units);
        }
    }
    return WEIR_OK;
}

static weir_status fit(selection *s, weir_graph *graph, weir__feed *feed, size_t node, double target, float *threshold,
                       weir_error *error) {
    weir_status status = WEIR_OK;
    memset(s, 0, sizeof *s);
    s->behind = UINT32_MAX;
    TRY(scan(s, graph, feed, node, NULL, error));
    const uint64_t wanted = (uint64_t)llround(target * (double)s->total);
    uint64_t rank = wanted < s->total ? s->total - wanted - 1 : 0, below = rank;
    const uint32_t upper = find_class(s->upper, &rank);
    TRY(scan(s, graph, feed, node, &upper, error));
    const uint32_t lower = find_class(s->lower, &rank);
    below -= rank;
    // Ties at the threshold are open or closed together: whichever is nearer to what was asked for.
    const uint64_t with_ties = s->total - below, without = with_ties - s->lower[lower];
    const float value = value_of(upper << 16 | lower);
    if (with_ties <= wanted || with_ties - wanted < wanted - without) {
        const float low = neighbour(s, upper, lower, false);
        *threshold = low < value ? between(low, value) : nextafterf(value, -INFINITY);
    } else {
        *threshold = between(value, neighbour(s, upper, lower, true));
    }
done:
    return status;
}

weir_status weir_fit_thresholds(weir_graph *graph, const weir_part *part, double target, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__feed feed = {0};
    selection *s = NULL;
    float *former = NULL;
    size_t *nodes = NULL, found = 0, count = 0;
    TRY_THAT(target > 0 && target < 1, WEIR_ARGUMENT, "a target share of %g; expected a number between 0 and 1",
             target);
    TRY(weir__gate_nodes(graph, &nodes, &found, error));
    for (size_t i = 0; i < found; i++) {
        // variables of several outputs say themselves which are open
        const weir_unit *unit = weir_graph_unit(graph, nodes[i]);
        if ((unit->rule->traits & WEIR_TRAIT_SPARSE) && weir_unit_variable(unit) == 1) nodes[count++] = nodes[i];
    }
    if (!count) goto done;
    TRY(weir__feed_init(&feed, graph, part, weir__graph_max_rows(graph), error));
    TRY(weir__new(&s, 1, sizeof *s, "the counts of a threshold", error));
    TRY(weir__new(&former, count, sizeof *former, "thresholds", error));
    for (size_t i = 0; i < count; i++) {
        former[i] = weir_graph_threshold(graph, nodes[i]);
        (void)weir_graph_threshold_set(graph, nodes[i], INFINITY, NULL);
    }
    for (size_t i = 0; i < count && status == WEIR_OK; i++) {
        const double own = weir_graph_nodes(graph, NULL)[nodes[i]].target;
        float threshold = 0;
        status = fit(s, graph, &feed, nodes[i], own > 0 ? own : target, &threshold, error);
        if (status == WEIR_OK) (void)weir_graph_threshold_set(graph, nodes[i], threshold, NULL);
    }
    for (size_t i = 0; i < count && status != WEIR_OK; i++)
        (void)weir_graph_threshold_set(graph, nodes[i], former[i], NULL);
done:
    weir__free(nodes);
    weir__free(s);
    weir__free(former);
    weir__feed_free(&feed);
    return status;
}
