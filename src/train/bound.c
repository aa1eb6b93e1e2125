// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The negative log-likelihood of a network with random units, bounded from above by m samples:
//   −log p(target | x) ≤ E[ −log (1/m) Σ_k exp(−L_k) ],  L_k the loss of the row with the k-th draw of all units
// (Raiko et al. 2015, eq. 7; Burda et al. 2016). Latent variables with a prior add log q(h_k)/prior(h_k) to L_k. m = 1 is the mean loss; the bound falls with m to the exact value. The
// sum is kept row by row as largest term and rest, so that memory does not grow with m. What lies before the first
// random node is computed once per batch.

#include <math.h>

#include "../graph/graph.h"
#include "../graph/prior.h"
#include "evaluate.h"

/// Rows whose draws share a batch, so that memory does not grow with max_rows.
enum { rows_at_once = 256 };

/// Keeps these draws apart from those of training, whose noise has the same streams and steps.
static uint64_t seed_of(uint64_t seed) { return seed ^ UINT64_C(0x5f1d36f2b8a0c947); }

/// log Σ exp of what was added so far: most + log(sum).
typedef struct log_sum {
    double most, sum;
} log_sum;

static void add(log_sum *to, double x) {
    if (to->sum > 0 && x <= to->most) {
        to->sum += exp(x - to->most);
    } else {
        to->sum = to->sum > 0 ? 1 + to->sum * exp(to->most - x) : 1;
        to->most = x;
    }
}

typedef struct sums {
    log_sum row[rows_at_once];
    double divergence[rows_at_once], ratio[rows_at_once]; ///< of the units from their prior, in this draw; else 0
    double loss, nll; ///< over rows and draws; over rows
} sums;

static weir_status add_draw(sums *all, weir_graph *graph, size_t rows, weir_error *error) {
    const float *loss = weir_graph_loss(graph);
    if (weir__graph_has_prior(graph)) {
        const weir_status status = weir__graph_prior(graph, all->divergence, all->ratio, error);
        if (status != WEIR_OK) return status;
    }
    for (size_t r = 0; r < rows; r++) {
        all->loss += (double)loss[r] + all->divergence[r];
        add(&all->row[r], -(double)loss[r] - all->ratio[r]);
    }
    return WEIR_OK;
}

/// All draws of the feed's current batch; *draws: how many there were, 1 where nothing is random.
static weir_status draw_batch(weir_graph *graph, const weir__feed *feed, uint64_t seed, size_t samples, sums *all,
                              size_t *draws, weir_error *error) {
    weir_status status = WEIR_OK;
    weir_pass pass = weir__feed_pass(feed, WEIR_MODE_DRAW);
    pass.seed = seed_of(seed);
    for (size_t r = 0; r < feed->rows; r++) all->row[r] = (log_sum){0};
    TRY(weir_graph_forward(graph, &pass, error));
    for (*draws = 1;; ++*draws) {
        bool drawn = false;
        TRY(add_draw(all, graph, feed->rows, error));
        if (*draws < samples) TRY(weir__graph_redraw(graph, (uint32_t)*draws, &drawn, error));
        if (!drawn) break;
    }
    for (size_t r = 0; r < feed->rows; r++) {
        all->nll += log((double)*draws) - (all->row[r].most + log(all->row[r].sum));
    }
done:
    return status;
}

weir_status weir_evaluate_samples(weir_graph *graph, weir_evaluation *evaluation, const weir_part *part, size_t samples,
                                  uint64_t seed, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__feed feed = {0};
    sums *all = NULL;
    size_t node = 0, draws = 1;
    const size_t most = weir__graph_max_rows(graph);
    weir__watch watch = {0};
    TRY_THAT(samples > 0 && samples <= UINT32_MAX, WEIR_ARGUMENT, "%zu samples; expected 1 to 4294967295", samples);
    TRY(weir__loss_node(graph, &node, error));
    TRY_THAT(weir_graph_kind(graph, node)->traits & WEIR_KIND_LIKELIHOOD, WEIR_ARGUMENT,
             "a network that ends in %s has no likelihood: its loss is of values", weir_graph_kind(graph, node)->name);
    TRY(weir__feed_init(&feed, graph, part, most < rows_at_once ? most : rows_at_once, error));
    TRY_THAT(weir__feed_has_answers(&feed, graph), WEIR_DATA,
             "this part of the data has no %s; the likelihood needs them",
             weir__predicts_targets(graph) ? "targets" : "labels");
    TRY(weir__new(&all, 1, sizeof *all, "sums over samples", error));
    TRY(weir__watch_begin(&watch, graph, 0, error));
    while (weir__feed_next(&feed)) TRY(draw_batch(graph, &feed, seed, samples, all, &draws, error));
    const double rows = (double)part->count;
    *evaluation = (weir_evaluation){.loss = all->loss / (rows * (double)draws),
                                    .error = NAN,
                                    .nll = all->nll / rows,
                                    .rmse = NAN,
                                    .bits_per_byte = NAN,
                                    .r2 = NAN,
                                    .samples = draws};
    weir__watch_end(&watch, graph, WEIR_MODE_DRAW, evaluation);
done:
    weir__watch_free(&watch);
    weir__free(all);
    weir__feed_free(&feed);
    return status;
}
