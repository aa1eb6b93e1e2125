// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The trainer: learning, exact continuation after interruption, kill, a lost folder and a full disk, divergence, early
// stopping, metrics, and everything that a checkpoint must refuse.

#define _XOPEN_SOURCE 700
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing.h"

#include "train_bed.h"

#include "core/core.h"
#include "train/trainer.h"

static char root[] = "/tmp/weir-trainer-XXXXXX";
static const char *program;
static weir_data *data;

// ---- cases: a network and its settings -----------------------------------------------------------------------------

enum { rows = 250, batches = 16 }; // 15 batches of 16 rows and one of 10

typedef struct bench {
    weir_graph *graph;
    weir_trainer *trainer;
} bench;

static weir_train_options options_of(int kind) {
    weir_train_options o = weir_train_options_default();
    o.seed = 11;
    o.epochs = 3;
    o.batch = 16;
    o.checkpoint_seconds = 0;
    o.sparsity.target = 0.25;
    o.sparsity.weight = 0.02;
    switch (kind) {
    case 0:
        o.optimizer.decay = 1e-4;
        break;
    case 1:
        o.optimizer.kind = "adam";
        o.optimizer.rate = 2e-3;
        o.optimizer.schedule = "cosine";
        o.average = 0.95;
        o.sparsity.kind = "l1";
        o.sparsity.weight = 1e-4;
        o.sparsity.adapt = 1.1;
        break;
    default:
        o.optimizer.kind = "momentum";
        o.optimizer.rate = 0.02;
        o.optimizer.schedule = "step";
        o.optimizer.step_epochs = 2;
        o.sparsity.adapt = 1.05;
        o.sparsity.bias_push = 0.01;
        o.sparsity.bias_rate = 0.5;
        o.sparsity.average = 0.9;
        break;
    }
    return o;
}

static weir_graph *graph_of(int kind) {
    weir_node nodes[bed_nodes_most];
    static const char *const rules[] = {"sts", "noisy-rectifier", "reinforce"};
    const size_t count = kind == 1 ? bed_two_layers(nodes, rules[kind]) : bed_network(nodes, rules[kind]);
    return bed_graph(nodes, count, 64);
}

static bench open_bench(int kind, const weir_train_options *options) {
    weir_error error = {0};
    bench b = {.graph = graph_of(kind)};
    must(weir_trainer_create(&b.trainer, b.graph, data, options, &error), &error);
    return b;
}

static void close_bench(bench *b) {
    weir_trainer_free(b->trainer);
    weir_graph_free(b->graph);
    *b = (bench){0};
}

static const char *folder_of(const char *name) {
    static char paths[4][128];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", root, name);
    return path;
}

static void remove_folder(const char *path) {
    DIR *dir = opendir(path);
    if (!dir) return;
    for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        char name[512];
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.') unlink(name);
    }
    closedir(dir);
    rmdir(path);
}

static size_t count_files(const char *path) {
    size_t count = 0;
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static char *contents(const char *folder, const char *name, size_t *size) {
    char path[256], *text = NULL;
    weir_error error = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    must(weir__file_read(path, (size_t)1 << 28, &text, size, &error), &error);
    return text;
}

// ---- a step --------------------------------------------------------------------------------------------------------

// The same step from the gradients that weir_graph_backward gives: what the trainer's fused updates must come to.
static void step_by_gradients(bench *b, weir_optimizer *optimizer, const weir_pass *pass, double rate) {
    weir_error error = {0};
    must(weir_graph_forward(b->graph, pass, &error), &error);
    must(weir_graph_backward(b->graph, pass, &error), &error);
    const weir_parameters p = weir_graph_parameters(b->graph);
    weir__optimizer_begin(optimizer);
    for (size_t i = 0; i < p.tensor_count; i++) {
        const weir_tensor *t = &p.tensors[i];
        const weir__update update = weir__optimizer_update(optimizer, t, rate);
        const weir__tiling tiling = {t->rows, t->columns, t->block_rows, t->block_columns};
        weir__update_apply(&update, p.values + t->offset, p.gradients + t->offset, t->touched, &tiling);
    }
    weir__sparsity_update(&b->trainer->sparsity);
}

static void test_step_is_gradient_and_update(void **unused) {
    (void)unused;
    enum { steps = 5 };
    for (int kind = 0; kind < 3; kind++) {
        weir_error error = {0};
        const weir_train_options o = options_of(kind);
        bench b = open_bench(kind, &o), twin = open_bench(kind, &o);
        weir_optimizer optimizer;
        const weir_parameters p = weir_graph_parameters(b.graph), q = weir_graph_parameters(twin.graph);
        float *start = malloc(p.count * sizeof *start), inputs[16 * 784];
        assert_non_null(start);
        memcpy(start, p.values, p.count * sizeof *start);
        must(weir__optimizer_init(&optimizer, &o.optimizer, q.count, &error), &error);
        const weir_part part = weir_data_train(data);
        for (uint32_t step = 0; step < steps; step++) {
            const size_t first = part.first + step * 16;
            weir_rows_copy(part.rows, inputs, NULL, first, 16);
            const weir_pass pass = {.mode = WEIR_MODE_SAMPLE,
                                    .rows = 16,
                                    .inputs = inputs,
                                    .labels = part.labels + first,
                                    .seed = o.seed,
                                    .step = step};
            step_by_gradients(&twin, &optimizer, &pass, weir__schedule_rate(&o.optimizer, 0, 0, o.epochs));
            must(weir_trainer_step(b.trainer, inputs, part.labels + first, 16, &error), &error);
        }
        size_t moved = 0;
        for (size_t i = 0; i < p.count; i++) {
            if (!(fabs((double)p.values[i] - (double)q.values[i]) <= 2e-6 * (1 + fabs((double)q.values[i])))) {
                fail_msg("kind %d, parameter %zu: %.9g, expected %.9g", kind, i, (double)p.values[i],
                         (double)q.values[i]);
            }
            moved += memcmp(&p.values[i], &start[i], sizeof *start) != 0;
        }
        assert_true(moved > p.count / 3);
        free(start);
        weir__optimizer_free(&optimizer);
        close_bench(&b), close_bench(&twin);
    }
}

// ---- callbacks -----------------------------------------------------------------------------------------------------

// What to do at the given count of batches.
typedef struct plan {
    size_t seen, stop_at, finished;
    void (*act)(const char *folder);
    const char *folder;
    weir_epoch last;
} plan;

static int follow(void *context, const weir_progress *progress) {
    plan *p = context;
    assert_true(progress->epoch >= 1 && progress->epoch <= progress->epochs);
    assert_int_equal(progress->batches, batches);
    if (progress->finished) {
        p->finished++;
        p->last = *progress->finished;
        assert_int_equal(p->last.epoch, progress->epoch);
        return 0;
    }
    assert_true(progress->batch >= 1 && progress->batch <= batches);
    assert_true(isfinite(progress->loss) && progress->share >= 0 && progress->share <= 1);
    if (++p->seen != p->stop_at) return 0;
    if (!p->act) return 1;
    p->act(p->folder);
    return 0;
}

// ---- equality of runs ----------------------------------------------------------------------------------------------

// Everything but times.
static bool same_epoch(const weir_epoch *a, const weir_epoch *b) {
    weir_epoch x, y;
    memset(&x, 0, sizeof x);
    memset(&y, 0, sizeof y);
#define COPY(field) x.field = a->field, y.field = b->field
    COPY(epoch), COPY(train_loss), COPY(penalty), COPY(weight), COPY(train_share), COPY(valid_loss);
    COPY(valid_error), COPY(valid_share), COPY(rate), COPY(best);
#undef COPY
    return !memcmp(&x, &y, sizeof x);
}

static void assert_same_run(const bench *a, const char *folder_a, const bench *b, const char *folder_b) {
    size_t count_a, count_b, best_a, best_b, size_a, size_b;
    const weir_epoch *x = weir_trainer_epochs(a->trainer, &count_a, &best_a);
    const weir_epoch *y = weir_trainer_epochs(b->trainer, &count_b, &best_b);
    assert_true(count_a > 0);
    assert_int_equal(count_a, count_b);
    assert_int_equal(best_a, best_b);
    for (size_t i = 0; i < count_a; i++) {
        if (!same_epoch(&x[i], &y[i])) {
            fail_msg("epoch %zu: loss %.17g and %.17g, valid %.17g and %.17g", i + 1, x[i].train_loss, y[i].train_loss,
                     x[i].valid_loss, y[i].valid_loss);
        }
    }
    const weir_parameters p = weir_graph_parameters(a->graph), q = weir_graph_parameters(b->graph);
    assert_int_equal(p.count, q.count);
    assert_memory_equal(p.values, q.values, p.count * sizeof *p.values);
    for (size_t i = 0; weir_graph_nodes(a->graph, &count_a) && i < count_a; i++) {
        assert_true(weir_graph_threshold(a->graph, i) == weir_graph_threshold(b->graph, i));
    }
    char *model_a = contents(folder_a, "model.safetensors", &size_a),
         *model_b = contents(folder_b, "model.safetensors", &size_b);
    assert_int_equal(size_a, size_b);
    assert_memory_equal(model_a, model_b, size_a);
    weir__free(model_a);
    weir__free(model_b);
}

// As many lines as epochs, each with that epoch's number and loss.
static void assert_metrics(const bench *b, const char *folder) {
    size_t count, size, lines = 0;
    const weir_epoch *epochs = weir_trainer_epochs(b->trainer, &count, NULL);
    char *text = contents(folder, "metrics.jsonl", &size);
    for (const char *line = text; *line; line = strchr(line, '\n') + 1, lines++) {
        assert_true(lines < count);
        const char *epoch = strstr(line, "\"epoch\":"), *loss = strstr(line, "\"train_loss\":");
        assert_true(epoch && loss && strchr(line, '\n'));
        assert_int_equal(strtoul(epoch + 8, NULL, 10), epochs[lines].epoch);
        assert_true(fabs(strtod(loss + 13, NULL) - epochs[lines].train_loss) <= 1e-8);
    }
    assert_int_equal(lines, count);
    weir__free(text);
}

// The uninterrupted run of each case.
static bench references[3];

static const char *reference_folder(int kind) {
    static const char *const names[] = {"reference0", "reference1", "reference2"};
    return folder_of(names[kind]);
}

static const bench *reference(int kind) {
    weir_error error = {0};
    if (references[kind].trainer) return &references[kind];
    const weir_train_options o = options_of(kind);
    references[kind] = open_bench(kind, &o);
    must(weir_trainer_run(references[kind].trainer, reference_folder(kind), "name: reference\n", NULL, NULL, &error),
         &error);
    return &references[kind];
}

// Continues the run in a folder with new objects, to its end, and compares.
static void finish_and_compare(int kind, const char *folder) {
    weir_error error = {0};
    const weir_train_options o = options_of(kind);
    bench b = open_bench(kind, &o);
    must(weir_trainer_resume(b.trainer, folder, &error), &error);
    must(weir_trainer_run(b.trainer, folder, "name: reference\n", NULL, NULL, &error), &error);
    assert_same_run(reference(kind), reference_folder(kind), &b, folder);
    assert_metrics(&b, folder);
    assert_int_equal(count_files(folder), 4); // no temporary file is left
    close_bench(&b);
    remove_folder(folder);
}

// ---- tests ---------------------------------------------------------------------------------------------------------

static void test_learns(void **unused) {
    (void)unused;
    for (int kind = 0; kind < 3; kind++) {
        size_t count, best;
        const bench *b = reference(kind);
        const weir_epoch *epochs = weir_trainer_epochs(b->trainer, &count, &best);
        assert_int_equal(count, 3);
        assert_true(best >= 1 && best <= 3 && epochs[best - 1].best);
        if (!(epochs[2].train_loss < epochs[0].train_loss - 0.02)) {
            fail_msg("case %d: loss %g, then %g", kind, epochs[0].train_loss, epochs[2].train_loss);
        }
        for (size_t i = 0; i < count; i++) {
            assert_true(fabs(epochs[i].valid_share - 0.25) <= 0.01);
            assert_true(epochs[i].valid_error >= epochs[best - 1].valid_error);
            assert_true(epochs[i].train_share > 0 && epochs[i].train_share < 1);
            assert_true(epochs[i].seconds >= epochs[i].train_seconds && epochs[i].train_seconds > 0);
        }
        assert_metrics(b, reference_folder(kind));
    }
}

// At the end the graph is the best epoch's network.
static void test_best_is_restored(void **unused) {
    (void)unused;
    size_t best;
    weir_error error = {0};
    weir_evaluation evaluation;
    const bench *b = reference(0);
    const weir_epoch *epochs = weir_trainer_epochs(b->trainer, NULL, &best);
    const weir_part valid = weir_data_valid(data);
    must(weir_evaluate(b->graph, &evaluation, NULL, &valid, WEIR_MODE_DECIDE, &error), &error);
    assert_true(evaluation.error == epochs[best - 1].valid_error);
    assert_true(evaluation.loss == epochs[best - 1].valid_loss);
    // Another call of a finished trainer changes nothing.
    must(weir_trainer_run(b->trainer, folder_of("unused"), "", NULL, NULL, &error), &error);
    assert_int_equal(access(folder_of("unused"), F_OK), -1);
}

static void test_resume_bit_for_bit(void **unused) {
    (void)unused;
    weir_error error = {0};
    // Stopped at the first batch, inside, at an epoch's last batch; one run stopped again and again.
    static const size_t stops[] = {1, 7, 16, 20, 47};
    for (int kind = 0; kind < 3; kind++) {
        const weir_train_options o = options_of(kind);
        const char *folder = folder_of("interrupted");
        size_t done = 0;
        for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
            bench b = open_bench(kind, &o);
            plan p = {.stop_at = stops[i] - done};
            if (i) must(weir_trainer_resume(b.trainer, folder, &error), &error);
            const weir_status status = weir_trainer_run(b.trainer, folder, "name: reference\n", follow, &p, &error);
            if (status != WEIR_INTERRUPTED) fail_msg("%s: %s", weir_status_name(status), error.text);
            done = stops[i];
            close_bench(&b);
        }
        finish_and_compare(kind, folder);
    }
}

// Killed without a chance to save: the last checkpoint continues.
static int kill_at_once(void *context, const weir_progress *progress) {
    const size_t *stop = context;
    if ((progress->epoch - 1) * batches + progress->batch == *stop && !progress->finished) raise(SIGKILL);
    return 0;
}

static int killed_child(const char *folder, const char *kind, const char *stop) {
    size_t at = (size_t)atoi(stop);
    data = bed_digits(rows, 60, 40);
    weir_train_options o = options_of(atoi(kind));
    o.checkpoint_seconds = at % 2 ? 1e-9 : 0; // after every batch, or only after epochs
    bench b = open_bench(atoi(kind), &o);
    (void)weir_trainer_run(b.trainer, folder, "name: reference\n", kill_at_once, &at, NULL);
    return 4;
}

static void test_kill(void **unused) {
    (void)unused;
    static const char *const stops[] = {"5", "26", "33"};
    for (int kind = 0; kind < 3; kind++) {
        const char *folder = folder_of("killed");
        const char name[2] = {(char)('0' + kind), 0};
        const pid_t pid = fork();
        assert_true(pid >= 0);
        if (!pid) {
            execl(program, program, "--killed-child", folder, name, stops[kind], (char *)NULL);
            _exit(5);
        }
        int how = 0;
        while (waitpid(pid, &how, 0) < 0) assert_int_equal(errno, EINTR);
        assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
        finish_and_compare(kind, folder);
    }
}

static void move_away(const char *folder) {
    char other[256];
    snprintf(other, sizeof other, "%s-away", folder);
    assert_int_equal(rename(folder, other), 0);
}

static void test_lost_folder(void **unused) {
    (void)unused;
    weir_error error = {0};
    weir_train_options o = options_of(0);
    const char *folder = folder_of("lost");
    bench b = open_bench(0, &o);
    plan p = {.stop_at = 20, .act = move_away, .folder = folder};
    assert_int_equal(weir_trainer_run(b.trainer, folder, "name: reference\n", follow, &p, &error), WEIR_IO);
    assert_int_equal(error.status, WEIR_IO);
    assert_non_null(strstr(error.text, folder));
    char other[256];
    snprintf(other, sizeof other, "%s-away", folder);
    assert_int_equal(rename(other, folder), 0);
    close_bench(&b);
    finish_and_compare(0, folder);

    // A file where the folder should be shows before any work is done.
    FILE *file = fopen(folder, "w");
    assert_non_null(file);
    fclose(file);
    b = open_bench(0, &o);
    plan idle = {0};
    assert_int_equal(weir_trainer_run(b.trainer, folder, "", follow, &idle, &error), WEIR_IO);
    assert_int_equal(idle.seen, 0);
    unlink(folder);
    close_bench(&b);
}

static void limit_files(const char *folder) {
    struct rlimit limit;
    (void)folder;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = 4096;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_full_disk(void **unused) {
    (void)unused;
    weir_error error = {0};
    struct rlimit former;
    const weir_train_options o = options_of(2);
    const char *folder = folder_of("full");
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &former), 0);
    bench b = open_bench(2, &o);
    plan p = {.stop_at = 20, .act = limit_files};
    const weir_status status = weir_trainer_run(b.trainer, folder, "name: reference\n", follow, &p, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &former), 0);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(status, WEIR_IO);
    close_bench(&b);
    finish_and_compare(2, folder); // from the checkpoint of the first epoch
}

static void test_diverges(void **unused) {
    (void)unused;
    weir_error error = {0};
    weir_train_options o = options_of(0);
    o.optimizer.rate = 1e36;
    o.sparsity.kind = "none";
    weir_node nodes[bed_nodes_most];
    const size_t count = bed_network(nodes, "straight-through");
    for (size_t i = 0; i < count; i++) nodes[i].max_norm = 0;
    const char *folder = folder_of("diverged");
    bench b = {.graph = bed_graph(nodes, count, 64)};
    must(weir_trainer_create(&b.trainer, b.graph, data, &o, &error), &error);
    plan p = {0};
    assert_int_equal(weir_trainer_run(b.trainer, folder, "", follow, &p, &error), WEIR_DIVERGED);
    assert_true(p.seen >= 1 && p.seen < batches);
    char place[64];
    snprintf(place, sizeof place, "epoch 1, batch %zu", p.seen + 1);
    assert_non_null(strstr(error.text, place));
    assert_non_null(strstr(error.text, "optimizer.rate"));
    close_bench(&b);
    // The checkpoint from before is good.
    b.graph = bed_graph(nodes, count, 64);
    must(weir_trainer_create(&b.trainer, b.graph, data, &o, &error), &error);
    must(weir_trainer_resume(b.trainer, folder, &error), &error);
    const weir_parameters q = weir_graph_parameters(b.graph);
    for (size_t i = 0; i < q.count; i++) assert_true(isfinite(q.values[i]));
    close_bench(&b);
    remove_folder(folder);
}

// A checkpoint never holds what the next batch would stumble over.
static void spoil(weir_graph *graph) {
    const weir_parameters p = weir_graph_parameters(graph);
    p.values[p.tensors[0].offset + 5] = NAN;
}

static weir_graph *to_spoil;
static void spoil_it(const char *folder) {
    (void)folder;
    spoil(to_spoil);
}

static void test_not_finite_is_not_saved(void **unused) {
    (void)unused;
    weir_error error = {0};
    weir_train_options o = options_of(0);
    o.checkpoint_seconds = 1e-9;
    const char *folder = folder_of("spoiled");
    bench b = open_bench(0, &o);
    to_spoil = b.graph;
    plan p = {.stop_at = 4, .act = spoil_it};
    assert_int_equal(weir_trainer_run(b.trainer, folder, "name: reference\n", follow, &p, &error), WEIR_DIVERGED);
    assert_int_equal(p.seen, 4);
    close_bench(&b);
    finish_and_compare(0, folder);
}

static void test_step_keeps_parameters(void **unused) {
    (void)unused;
    weir_error error = {0};
    const weir_train_options o = options_of(0);
    bench b = open_bench(0, &o);
    static float inputs[16 * 784];
    int32_t labels[16];
    for (size_t i = 0; i < 16 * 784; i++) inputs[i] = (float)(i % 7) / 7;
    for (size_t i = 0; i < 16; i++) labels[i] = (int32_t)(i % 10);
    const weir_parameters p = weir_graph_parameters(b.graph);
    float *before = malloc(p.count * sizeof *before);
    assert_non_null(before);
    memcpy(before, p.values, p.count * sizeof *before);
    inputs[100] = NAN;
    assert_int_equal(weir_trainer_step(b.trainer, inputs, labels, 16, &error), WEIR_DATA);
    assert_non_null(strstr(error.text, "value 100 of row 0"));
    assert_memory_equal(before, p.values, p.count * sizeof *before);
    inputs[100] = 0;
    must(weir_trainer_step(b.trainer, inputs, labels, 16, &error), &error);
    assert_true(memcmp(before, p.values, p.count * sizeof *before));
    assert_int_equal(weir_trainer_step(b.trainer, inputs, labels, 17, &error), WEIR_ARGUMENT);
    assert_int_equal(weir_trainer_step(b.trainer, inputs, NULL, 16, &error), WEIR_ARGUMENT);
    labels[3] = 10;
    assert_int_equal(weir_trainer_step(b.trainer, inputs, labels, 16, &error), WEIR_DATA);
    free(before);
    close_bench(&b);
}

/// The phases of every node are measured while that is asked for, and only then.
static void test_profile(void **unused) {
    (void)unused;
    weir_error error = {0};
    const weir_train_options o = options_of(0);
    bench b = open_bench(0, &o);
    static float inputs[16 * 784];
    const int32_t labels[16] = {0};
    size_t count = 0;
    (void)weir_graph_nodes(b.graph, &count);
    for (int round = 0; round < 3; round++) {
        weir_seconds sum = {0};
        if (round) weir_graph_profile(b.graph, round == 1);
        must(weir_trainer_step(b.trainer, inputs, labels, 16, &error), &error);
        for (size_t k = 0; k < count; k++) {
            const weir_seconds s = weir_graph_node_seconds(b.graph, k);
            assert_true(s.forward >= 0 && s.backward >= 0 && s.update >= 0);
            sum.forward += s.forward, sum.backward += s.backward, sum.update += s.update;
        }
        assert_int_equal(sum.forward > 0 && sum.backward > 0 && sum.update > 0, round == 1);
        assert_int_equal(sum.forward + sum.backward + sum.update > 0, round == 1);
    }
    assert_true(weir_graph_node_seconds(b.graph, count).forward == 0);
    close_bench(&b);
}

// What an average over the steps must come to, from the parameters after every batch.
typedef struct watch {
    weir_graph *graph;
    double past, *average;
    size_t steps;
} watch;

static int watch_batch(void *context, const weir_progress *progress) {
    watch *w = context;
    if (progress->finished || ++w->steps % 8) return 0;
    const double k = (double)(w->steps / 8), past = fmin(pow(w->past, 8), (1 + k) / (10 + k));
    const weir_parameters p = weir_graph_parameters(w->graph);
    for (size_t i = 0; i < p.count; i++) w->average[i] = past * w->average[i] + (1 - past) * (double)p.values[i];
    return 0;
}

// With an average the steps are as without one, and the graph that is judged and kept holds the average.
static void test_average(void **unused) {
    (void)unused;
    weir_error error = {0};
    weir_train_options o = options_of(2);
    o.epochs = 1;
    o.average = 0.9;
    bench b = open_bench(2, &o);
    const weir_parameters p = weir_graph_parameters(b.graph);
    watch w = {.graph = b.graph, .past = o.average, .average = malloc(p.count * sizeof *w.average)};
    float *kept = malloc(p.count * sizeof *kept);
    assert_true(w.average && kept);
    for (size_t i = 0; i < p.count; i++) w.average[i] = (double)p.values[i];
    must(weir_trainer_run(b.trainer, NULL, NULL, watch_batch, &w, &error), &error);
    assert_int_equal(w.steps, batches);
    memcpy(kept, weir_graph_parameters(b.graph).values, p.count * sizeof *kept);
    const weir_epoch averaged = *weir_trainer_epochs(b.trainer, NULL, NULL);
    for (size_t i = 0; i < p.count; i++) {
        if (!(fabs((double)kept[i] - w.average[i]) <= 1e-6 * (1 + fabs(w.average[i])))) {
            fail_msg("parameter %zu: %.9g, expected %.9g", i, (double)kept[i], w.average[i]);
        }
    }
    close_bench(&b);

    o.average = 0;
    b = open_bench(2, &o);
    must(weir_trainer_run(b.trainer, NULL, NULL, NULL, NULL, &error), &error);
    const weir_epoch plain = *weir_trainer_epochs(b.trainer, NULL, NULL);
    assert_true(plain.train_loss == averaged.train_loss && plain.valid_loss != averaged.valid_loss);
    assert_memory_not_equal(kept, weir_graph_parameters(b.graph).values, p.count * sizeof *kept);
    free(kept), free(w.average);
    close_bench(&b);
}

static void test_early_stopping(void **unused) {
    (void)unused;
    weir_error error = {0};
    weir_train_options o = options_of(0);
    o.epochs = 20;
    o.patience = 2;
    o.optimizer.rate = 1e-12; // nothing changes, so nothing gets better
    o.optimizer.decay = 0;
    bench b = open_bench(0, &o);
    plan p = {0};
    must(weir_trainer_run(b.trainer, NULL, NULL, follow, &p, &error), &error);
    size_t count, best;
    weir_trainer_epochs(b.trainer, &count, &best);
    assert_int_equal(count, 3);
    assert_int_equal(best, 1);
    assert_int_equal(p.finished, 3);
    assert_int_equal(p.seen, 3 * batches);
    close_bench(&b);
}

static int stop_when_finished(void *context, const weir_progress *progress) {
    (void)context;
    return progress->finished && progress->finished->epoch == 2;
}

static void test_interrupted_between_epochs(void **unused) {
    (void)unused;
    weir_error error = {0};
    const weir_train_options o = options_of(1);
    const char *folder = folder_of("between");
    bench b = open_bench(1, &o);
    assert_int_equal(weir_trainer_run(b.trainer, folder, "name: reference\n", stop_when_finished, NULL, &error),
                     WEIR_INTERRUPTED);
    assert_int_equal(error.status, WEIR_INTERRUPTED);
    assert_metrics(&b, folder);
    close_bench(&b);
    // Lines that the checkpoint does not know of, as after a kill between the two.
    char path[256];
    snprintf(path, sizeof path, "%s/metrics.jsonl", folder);
    FILE *metrics = fopen(path, "a");
    assert_non_null(metrics);
    fputs("{\"epoch\":3,\"train_loss\":0}\n{\"epoch\":4", metrics);
    fclose(metrics);
    finish_and_compare(1, folder);
}

// The best epoch may lie before the interruption: its parameters and thresholds come back too.
static void test_best_survives(void **unused) {
    (void)unused;
    weir_error error = {0};
    weir_train_options o = options_of(0);
    o.optimizer.schedule = "step";
    o.optimizer.step_epochs = 1;
    o.optimizer.step_factor = 1e-6; // nothing gets better after the first epoch
    const char *folders[] = {folder_of("whole"), folder_of("parts")};
    bench whole = open_bench(0, &o), parts = open_bench(0, &o);
    must(weir_trainer_run(whole.trainer, folders[0], "", NULL, NULL, &error), &error);
    assert_int_equal(weir_trainer_run(parts.trainer, folders[1], "", stop_when_finished, NULL, &error),
                     WEIR_INTERRUPTED);
    close_bench(&parts);
    parts = open_bench(0, &o);
    must(weir_trainer_resume(parts.trainer, folders[1], &error), &error);
    must(weir_trainer_run(parts.trainer, folders[1], "", NULL, NULL, &error), &error);
    assert_same_run(&whole, folders[0], &parts, folders[1]);
    size_t best;
    weir_trainer_epochs(parts.trainer, NULL, &best);
    assert_int_equal(best, 1);
    assert_true(weir_graph_threshold(parts.graph, weir_graph_find(parts.graph, "gates")) != 0);
    close_bench(&whole);
    close_bench(&parts);
    remove_folder(folders[0]);
    remove_folder(folders[1]);
}

static void test_more_epochs(void **unused) {
    (void)unused;
    weir_error error = {0};
    weir_train_options o = options_of(2);
    const char *folder = folder_of("more");
    o.epochs = 1;
    bench b = open_bench(2, &o);
    must(weir_trainer_run(b.trainer, folder, "name: reference\n", NULL, NULL, &error), &error);
    close_bench(&b);
    o.patience = 7;
    finish_and_compare(2, folder); // three epochs, the same as in one go
    // A cosine schedule depends on their number.
    o = options_of(1);
    o.epochs = 1;
    b = open_bench(1, &o);
    must(weir_trainer_run(b.trainer, folder, "", NULL, NULL, &error), &error);
    close_bench(&b);
    o.epochs = 2;
    b = open_bench(1, &o);
    assert_int_equal(weir_trainer_resume(b.trainer, folder, &error), WEIR_CONFIG);
    assert_non_null(strstr(error.text, "train.epochs=1"));
    close_bench(&b);
    remove_folder(folder);
}

static void refuse(const weir_train_options *o, int kind, const char *folder, weir_status expected, const char *text) {
    weir_error error = {0};
    bench b = open_bench(kind, o);
    const weir_status status = weir_trainer_resume(b.trainer, folder, &error);
    if (status != expected || !strstr(error.text, text)) {
        fail_msg("%s: %s; expected %s with \"%s\"", weir_status_name(status), error.text, weir_status_name(expected),
                 text);
    }
    close_bench(&b);
}

static void test_refused_checkpoints(void **unused) {
    (void)unused;
    weir_train_options o = options_of(0);
    const char *folder = reference_folder(0);
    (void)reference(0);
    refuse(&o, 0, folder_of("nowhere"), WEIR_NOT_FOUND, "checkpoint.safetensors");
    o.optimizer.rate = 0.05;
    refuse(&o, 0, folder, WEIR_CONFIG, "train.optimizer.rate=0.05");
    o = options_of(0);
    o.seed++;
    refuse(&o, 0, folder, WEIR_CONFIG, "train.seed=12");
    o = options_of(0);
    refuse(&o, 1, folder, WEIR_CONFIG, "network.nodes=10");
    o = options_of(0);
    weir_data *whole = data;
    data = bed_digits(rows - 1, 60, 40);
    refuse(&o, 0, folder, WEIR_CONFIG, "data.train.rows=249");
    weir_data_free(data);
    data = whole;

    // Damage: cut off at any length, and a model instead of a checkpoint.
    size_t size, model_size;
    char *good = contents(folder, "checkpoint.safetensors", &size),
         *model = contents(folder, "model.safetensors", &model_size), path[256];
    const char *damaged = folder_of("damaged");
    mkdir(damaged, 0777);
    snprintf(path, sizeof path, "%s/checkpoint.safetensors", damaged);
    const size_t lengths[] = {0, 7, 100, size / 2, size - 1};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths + 1; i++) {
        const bool cut = i < sizeof lengths / sizeof *lengths;
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        fwrite(cut ? good : model, 1, cut ? lengths[i] : model_size, file);
        fclose(file);
        refuse(&o, 0, damaged, WEIR_FORMAT, "checkpoint.safetensors");
    }
    weir__free(good);
    weir__free(model);
    remove_folder(damaged);
}

static void expect_config(weir_train_options o, weir_status expected, const char *text) {
    weir_error error = {0};
    weir_graph *graph = graph_of(0);
    weir_trainer *trainer = NULL;
    const weir_status status = weir_trainer_create(&trainer, graph, data, &o, &error);
    if (status != expected || trainer || !strstr(error.text, text)) {
        fail_msg("%s: %s; expected %s with \"%s\"", weir_status_name(status), error.text, weir_status_name(expected),
                 text);
    }
    weir_graph_free(graph);
}

static void test_bad_options(void **unused) {
    (void)unused;
    weir_train_options o = options_of(0);
    o.epochs = 0;
    expect_config(o, WEIR_CONFIG, "train.epochs");
    o = options_of(0);
    o.epochs = SIZE_MAX;
    expect_config(o, WEIR_CONFIG, "train.epochs");
    o = options_of(0);
    o.batch = 0;
    expect_config(o, WEIR_CONFIG, "train.batch");
    o.batch = 65;
    expect_config(o, WEIR_ARGUMENT, "64 rows");
    o = options_of(0);
    o.average = 1;
    expect_config(o, WEIR_CONFIG, "train.average");
    o = options_of(0);
    o.checkpoint_seconds = NAN;
    expect_config(o, WEIR_CONFIG, "checkpoint_seconds");
    o = options_of(0);
    o.optimizer.rate = 0;
    expect_config(o, WEIR_CONFIG, "optimizer.rate");
    o = options_of(0);
    o.optimizer.schedule = "warm";
    expect_config(o, WEIR_CONFIG, "warm");
    o = options_of(0);
    o.sparsity.target = 1;
    expect_config(o, WEIR_CONFIG, "sparsity.target");
}

static void test_bad_networks(void **unused) {
    (void)unused;
    weir_error error = {0};
    weir_trainer *trainer = NULL;
    const weir_train_options o = options_of(0);
    weir_node nodes[bed_nodes_most];
    static const struct {
        size_t input, classes;
        const char *loss;
        weir_status status;
    } cases[] = {{783, 10, "softmax-cross-entropy", WEIR_SHAPE},
                 {784, 9, "softmax-cross-entropy", WEIR_SHAPE},
                 {784, 10, "squared-error", WEIR_CONFIG}};
    for (size_t i = 0; i < 3; i++) {
        const size_t count = bed_network(nodes, "sts");
        nodes[0].size = cases[i].input;
        nodes[count - 2].size = cases[i].classes;
        nodes[count - 1].kind = cases[i].loss;
        weir_graph *graph = bed_graph(nodes, count, 64);
        assert_int_equal(weir_trainer_create(&trainer, graph, data, &o, &error), cases[i].status);
        assert_null(trainer);
        weir_graph_free(graph);
    }
    const size_t count = bed_network(nodes, "sts");
    weir_graph *graph = NULL;
    weir_graph_options making = weir_graph_options_default(64);
    making.training = false;
    must(weir_graph_create(&graph, nodes, count, &making, &error), &error);
    assert_int_equal(weir_trainer_create(&trainer, graph, data, &o, &error), WEIR_ARGUMENT);
    weir_graph_free(graph);
}

// Allocations fail one after the other until the whole run goes through.
static void test_memory(void **unused) {
    (void)unused;
    weir_train_options o = options_of(2);
    o.epochs = 1;
    const char *folder = folder_of("memory");
    weir_status status = WEIR_MEMORY;
    long failing = 0;
    for (; status != WEIR_OK; failing += failing < 60 ? 1 : 7) {
        weir_error error = {0};
        weir_trainer *trainer = NULL;
        weir_graph *graph = graph_of(2);
        weir__alloc_fail_after(failing);
        status = weir_trainer_create(&trainer, graph, data, &o, &error);
        if (status == WEIR_OK) status = weir_trainer_run(trainer, folder, "", NULL, NULL, &error);
        weir__alloc_fail_after(-1);
        if (status != WEIR_OK && status != WEIR_MEMORY) fail_msg("%s: %s", weir_status_name(status), error.text);
        assert_true(failing < 5000);
        weir_trainer_free(trainer);
        weir_graph_free(graph);
    }
    assert_true(failing > 20);
    remove_folder(folder);
}

static int set_up(void **unused) {
    (void)unused;
    data = bed_digits(rows, 60, 40);
    return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **unused) {
    (void)unused;
    for (int kind = 0; kind < 3; kind++) {
        close_bench(&references[kind]);
        remove_folder(reference_folder(kind));
    }
    weir_data_free(data);
    return rmdir(root);
}

int main(int count, char **arguments) {
    program = arguments[0];
    if (count == 5 && !strcmp(arguments[1], "--killed-child")) {
        return killed_child(arguments[2], arguments[3], arguments[4]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_step_is_gradient_and_update),
        cmocka_unit_test(test_learns),
        cmocka_unit_test(test_best_is_restored),
        cmocka_unit_test(test_resume_bit_for_bit),
        cmocka_unit_test(test_kill),
        cmocka_unit_test(test_lost_folder),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_diverges),
        cmocka_unit_test(test_not_finite_is_not_saved),
        cmocka_unit_test(test_step_keeps_parameters),
        cmocka_unit_test(test_profile),
        cmocka_unit_test(test_average),
        cmocka_unit_test(test_early_stopping),
        cmocka_unit_test(test_interrupted_between_epochs),
        cmocka_unit_test(test_best_survives),
        cmocka_unit_test(test_more_epochs),
        cmocka_unit_test(test_refused_checkpoints),
        cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_bad_networks),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
