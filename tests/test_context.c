// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Contexts: several threads over one model have its bits, change nothing and cost little memory; a row is predicted
// without a call for memory. Calls for memory are counted by functions of this program that stand before those of the
// C library, where that is glibc without a sanitizer.

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "testing.h"

#include "core/pool.h"

#include <weir/weir.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(SANITIZED)
#define COUNTS 1
#else
#define COUNTS 0
#endif

static atomic_size_t calls; // for memory, of all threads

#if COUNTS
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static void count_call(void) { atomic_fetch_add(&calls, 1); }

void *malloc(size_t size) {
    count_call();
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    count_call();
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
    count_call();
    return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    count_call();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    count_call();
    *memory = __libc_memalign(alignment, size);
    return *memory ? 0 : ENOMEM;
}
#endif

enum { width = 96, hidden = 512, block = 16, classes = 7, rows = 24, threads = 8 };

static weir_error error;

// Gated layers one behind the other, so that weights lie in tiles of both sides and dense passes want plain copies.
static const weir_node network[] = {
    {.kind = "input", .name = "x", .size = width},
    {.kind = "affine", .size = hidden / block},
    {.kind = "unit", .name = "gates", .rule = "straight-through"},
    {.kind = "gated-affine", .name = "first", .from = "x", .gates = "gates", .size = hidden, .block = block},
    {.kind = "gated-affine", .name = "second", .gates = "gates", .size = hidden, .block = block},
    {.kind = "affine", .size = classes},
    {.kind = "softmax-cross-entropy"},
};
enum { nodes = sizeof network / sizeof *network };

static float inputs[rows * width];

static weir_graph *make_model(weir_precision precision, bool training) {
    weir_graph *model = NULL;
    weir_graph_options options = weir_graph_options_default(rows);
    options.precision = precision;
    options.training = training;
    must(weir_graph_create(&model, network, nodes, &options, &error), &error);
    must(weir_graph_threshold_set(model, 2, 0.3F, &error), &error); // some gates closed
    for (size_t i = 0; i < rows * width; i++) inputs[i] = (float)((i * 37) % 101) / 50 - 1;
    return model;
}

static const weir_mode modes[] = {WEIR_MODE_DECIDE, WEIR_MODE_OPEN, WEIR_MODE_EXPECT, WEIR_MODE_DRAW};
enum { mode_count = sizeof modes / sizeof *modes };

typedef struct outputs {
    float probabilities[mode_count][rows * classes];
} outputs;

static weir_status run(weir_graph *graph, size_t mode, float *probabilities, weir_error *why) {
    const weir_pass pass = {.mode = modes[mode], .rows = rows, .inputs = inputs, .seed = 5, .step = 2};
    const weir_status status = weir_graph_forward(graph, &pass, why);
    if (status != WEIR_OK) return status;
    memcpy(probabilities, weir_graph_output(graph, nodes - 1), rows * classes * sizeof *probabilities);
    return WEIR_OK;
}

static void run_all(weir_graph *graph, outputs *out) {
    for (size_t m = 0; m < mode_count; m++) must(run(graph, m, out->probabilities[m], &error), &error);
}

// ---- threads --------------------------------------------------------------------------------------------------------

typedef struct worker {
    weir_graph *context;
    const outputs *wanted;
    size_t first; // mode to begin with, so that threads want different forms of the weights at a time
    bool good;
    weir_error error;
} worker;

static void *work(void *argument) {
    worker *w = argument;
    float got[rows * classes];
    w->good = true;
    for (size_t k = 0; k < 12 && w->good; k++) {
        const size_t m = (w->first + k) % mode_count;
        w->good =
            run(w->context, m, got, &w->error) == WEIR_OK && !memcmp(got, w->wanted->probabilities[m], sizeof got);
    }
    return NULL;
}

static void check_threads(weir_precision precision, bool training) {
    outputs wanted;
    worker workers[threads] = {{0}};
    pthread_t ids[threads];
    weir_graph *alone = make_model(precision, training), *model = make_model(precision, training);
    run_all(alone, &wanted);
    assert_memory_not_equal(wanted.probabilities[0], wanted.probabilities[1], sizeof wanted.probabilities[0]);
    for (size_t t = 0; t < threads; t++) {
        workers[t].wanted = &wanted;
        workers[t].first = t % mode_count;
        workers[t].context = model; // it is one of those that read
        if (t) must(weir_graph_share(&workers[t].context, workers[t - 1].context, rows, &error), &error);
    }
    for (size_t t = 0; t < threads; t++) assert_int_equal(pthread_create(&ids[t], NULL, work, &workers[t]), 0);
    for (size_t t = 0; t < threads; t++) assert_int_equal(pthread_join(ids[t], NULL), 0);
    for (size_t t = 0; t < threads; t++) {
        if (!workers[t].good) fail_msg("thread %zu: other numbers than alone; %s", t, workers[t].error.text);
    }
    for (size_t t = 0; t < threads; t++) weir_graph_free(workers[t].context);
    weir_graph_free(alone);
}

static void threads_have_the_same_bits(void **state) {
    (void)state;
    check_threads(WEIR_FLOAT32, false);
    check_threads(WEIR_FLOAT32, true);
    check_threads(WEIR_BFLOAT16, false);
    check_threads(WEIR_BFLOAT16, true);
}

// ---- what a context is ---------------------------------------------------------------------------------------------

static void train_a_little(weir_graph *model) {
    weir_train_options options = weir_train_options_default();
    weir_data_options data_options = weir_data_options_default();
    weir_data *data = NULL;
    weir_trainer *trainer = NULL;
    options.epochs = 1;
    data_options.train = data_options.valid = data_options.test = 64;
    must(weir_data_load(&data, &data_options, &error), &error);
    must(weir_trainer_create(&trainer, model, data, &options, &error), &error);
    must(weir_trainer_run(trainer, NULL, NULL, NULL, NULL, &error), &error);
    weir_trainer_free(trainer);
    weir_data_free(data);
}

// Trained in bf16, whose steps move halves: a context reads what the model has come to, thresholds and states, too.
static void context_of_a_trained_model(void **state) {
    (void)state;
    static const weir_node digits[] = {
        {.kind = "input", .name = "x", .size = 784},
        {.kind = "affine", .size = 8},
        {.kind = "unit", .name = "gates", .rule = "reinforce"},
        {.kind = "gated-affine", .from = "x", .gates = "gates", .size = 64, .block = 8},
        {.kind = "affine", .size = 10},
        {.kind = "softmax-cross-entropy"},
    };
    weir_graph *model = NULL, *context = NULL;
    weir_graph_options options = weir_graph_options_default(32);
    options.precision = WEIR_BFLOAT16;
    must(weir_graph_create(&model, digits, 6, &options, &error), &error);
    train_a_little(model);
    must(weir_graph_share(&context, model, 3, &error), &error);
    float row[784], a[10], b[10];
    size_t count = 0, same = 0;
    for (size_t i = 0; i < 784; i++) row[i] = (float)(i % 13) / 12;
    must(weir_predict_row(model, NULL, a, row, &error), &error);
    must(weir_predict_row(context, NULL, b, row, &error), &error);
    assert_memory_equal(a, b, sizeof a);
    assert_true(weir_graph_threshold(model, 2) == weir_graph_threshold(context, 2));
    const float *kept = weir_graph_unit_state(model, 2, &count), *copied = weir_graph_unit_state(context, 2, &same);
    assert_true(count > 0 && count == same && kept != copied);
    assert_memory_equal(kept, copied, count * sizeof *kept);
    const weir_parameters_view of_model = weir_graph_parameters_read(model);
    const weir_parameters_view of_context = weir_graph_parameters_read(context);
    assert_ptr_equal(of_model.values, of_context.values);
    weir_graph_free(model); // in any order
    must(weir_predict_row(context, NULL, b, row, &error), &error);
    assert_memory_equal(a, b, sizeof a);
    weir_graph_free(context);
}

static weir_status add_half(const weir_node_call *call, weir_error *why) {
    (void)why;
    for (size_t i = 0; i < call->rows * call->size; i++)
        call->outputs[i] = call->inputs[0][i] + *(const float *)call->context;
    return WEIR_OK;
}

// A model with a node of the program's own kind, whose descriptor is gone when the context is made.
static void context_with_a_kind_of_ones_own(void **state) {
    (void)state;
    static const float half = 0.5F;
    static const weir_node list[] = {{.kind = "input", .size = 3}, {.kind = "add-half"}};
    weir_custom_kind own = {.about = {.name = "add-half", .summary = "x + 1/2", .equation = "y = x + 1/2"},
                            .context = &half,
                            .forward = add_half};
    weir_graph *model = NULL, *context = NULL;
    weir_graph_options options = weir_graph_options_default(2);
    options.kinds = &own;
    options.kind_count = 1;
    must(weir_graph_create(&model, list, 2, &options, &error), &error);
    own = (weir_custom_kind){0};
    must(weir_graph_share(&context, model, 1, &error), &error);
    weir_graph_free(model);
    const float row[] = {1, 2, 3};
    float got[3];
    must(weir_predict_row(context, NULL, got, row, &error), &error);
    for (size_t i = 0; i < 3; i++) assert_true(got[i] == row[i] + half);
    weir_graph_free(context);
}

static void nobody_changes_what_is_shared(void **state) {
    (void)state;
    weir_graph *model = make_model(WEIR_FLOAT32, true), *context = NULL;
    const int32_t labels[2] = {0, 1};
    const weir_pass pass = {.mode = WEIR_MODE_SAMPLE, .rows = 2, .inputs = inputs, .labels = labels};
    float *bias = calloc(hidden * width, sizeof *bias);
    assert_non_null(bias);
    must(weir_graph_share(&context, model, 2, &error), &error);
    weir_graph *const both[] = {model, context};
    for (size_t k = 0; k < 2; k++) {
        assert_int_equal(weir_graph_values_set(both[k], 0, bias, &error), WEIR_ARGUMENT);
        assert_non_null(strstr(error.text, "2 graphs share"));
        assert_int_equal(weir_graph_precision_use(both[k], WEIR_BFLOAT16, &error), WEIR_ARGUMENT);
        assert_null(weir_graph_parameters(both[k]).values);
        must(weir_graph_values_get(both[k], bias, 1, &error), &error);
    }
    must(weir_graph_forward(context, &pass, &error), &error);
    assert_int_equal(weir_graph_backward(context, &pass, &error), WEIR_ARGUMENT);
    must(weir_graph_forward(model, &pass, &error), &error);
    must(weir_graph_backward(model, &pass, &error), &error); // gradients are its own
    assert_int_equal(weir_graph_share(&context, model, 0, &error), WEIR_ARGUMENT);
    assert_null(context);
    weir_graph_free(both[1]);
    assert_non_null(weir_graph_parameters(model).values); // alone again
    must(weir_graph_precision_use(model, WEIR_BFLOAT16, &error), &error);
    weir_graph_free(model);
    free(bias);
}

// Forms that were made while others read are made anew after the model was alone and has changed.
static void shared_again_after_a_change(void **state) {
    (void)state;
    outputs before, after, wanted;
    weir_graph *model = make_model(WEIR_FLOAT32, false), *context = NULL;
    must(weir_graph_share(&context, model, rows, &error), &error);
    run_all(context, &before);
    weir_graph_free(context);
    const weir_parameters p = weir_graph_parameters(model);
    for (size_t i = 0; i < p.count; i++) p.values[i] *= 0.5F;
    run_all(model, &wanted);
    for (size_t i = 0; i < p.count; i++) p.values[i] *= 1; // the model forgets its copies
    (void)weir_graph_parameters(model);
    must(weir_graph_share(&context, model, rows, &error), &error);
    run_all(context, &after);
    assert_memory_equal(&after, &wanted, sizeof after);
    assert_memory_not_equal(&after, &before, sizeof after);
    weir_graph_free(context);
    weir_graph_free(model);
}

// ---- memory ---------------------------------------------------------------------------------------------------------

/// Bytes of this process that are in memory; 0 where the system does not say.
static double resident(void) {
    unsigned long all = 0, here = 0;
    FILE *stream = fopen("/proc/self/statm", "r");
    if (!stream) return 0;
    const int read = fscanf(stream, "%lu %lu", &all, &here);
    fclose(stream);
    return read == 2 ? (double)here * (double)sysconf(_SC_PAGESIZE) : 0;
}

typedef struct server {
    weir_graph *context;
    pthread_barrier_t *ready;
    bool good;
} server;

static void *serve(void *argument) {
    server *s = argument;
    float row[784] = {0};
    s->good = true;
    for (size_t k = 0; k < 20; k++) s->good = s->good && weir_predict_row(s->context, NULL, NULL, row, NULL) == WEIR_OK;
    pthread_barrier_wait(s->ready); // all are at work
    pthread_barrier_wait(s->ready); // the memory has been looked at
    return NULL;
}

// One thread over one model against eight: threads, their stacks and all.
static void contexts_cost_little(void **state) {
    (void)state;
    if (!COUNTS || resident() == 0) skip();
    static const weir_node wide[] = {
        {.kind = "input", .name = "x", .size = 784},
        {.kind = "affine", .size = 64},
        {.kind = "unit", .name = "gates", .rule = "straight-through"},
        {.kind = "gated-affine", .from = "x", .gates = "gates", .size = 1024, .block = 16},
        {.kind = "affine", .size = 10},
        {.kind = "softmax-cross-entropy"},
    };
    const weir_graph_options options = {.max_rows = 1};
    weir_graph *model = NULL;
    server servers[threads];
    pthread_t ids[threads];
    pthread_barrier_t ready;
    float row[784] = {0};
    must(weir_graph_create(&model, wide, 6, &options, &error), &error);
    must(weir_predict_row(model, NULL, NULL, row, &error), &error);
    const double one = 4.0 * (double)weir_graph_parameters_read(model).count, before = resident();
    assert_int_equal(pthread_barrier_init(&ready, NULL, threads + 1), 0);
    for (size_t t = 0; t < threads; t++) {
        servers[t] = (server){.ready = &ready};
        must(weir_graph_share(&servers[t].context, model, 1, &error), &error);
        assert_int_equal(pthread_create(&ids[t], NULL, serve, &servers[t]), 0);
    }
    pthread_barrier_wait(&ready);
    const double more = resident() - before;
    pthread_barrier_wait(&ready);
    for (size_t t = 0; t < threads; t++) assert_int_equal(pthread_join(ids[t], NULL), 0);
    for (size_t t = 0; t < threads; t++) assert_true(servers[t].good);
    print_message("%.0f bytes beside a model of %.0f\n", more, one);
    if (!(more <= 0.2 * one)) fail_msg("%d contexts take %.0f bytes, the model alone has %.0f", threads, more, one);
    for (size_t t = 0; t < threads; t++) weir_graph_free(servers[t].context);
    weir_graph_free(model);
    pthread_barrier_destroy(&ready);
}

static void check_rows(weir_graph *graph, bool warm) {
    weir_rows *all = NULL;
    float wanted[rows * classes], got[classes];
    int32_t predicted[rows], one = -1;
    must(weir_rows_create(&all, inputs, rows, width, &error), &error);
    must(weir_predict(graph, predicted, wanted, all, 0, rows, &error), &error);
    if (warm) must(weir_predict_row(graph, NULL, NULL, inputs, &error), &error);
    weir_graph_counters_reset(graph);
    const float thresholds[] = {-INFINITY, 0.3F, INFINITY, 0.3F};
    for (size_t k = 0; k < 4; k++) {
        must(weir_graph_threshold_set(graph, 2, thresholds[k], &error), &error);
        for (size_t r = 0; r < rows; r++) {
            const size_t before = atomic_load(&calls);
            const weir_status status = weir_predict_row(graph, &one, got, inputs + r * width, &error);
            const size_t after = atomic_load(&calls);
            must(status, &error);
            if (after != before)
                fail_msg("row %zu, threshold %g: %zu calls for memory", r, thresholds[k], after - before);
            if (k < 3) continue;
            assert_int_equal(one, predicted[r]);
            for (size_t c = 0; c < classes; c++) assert_true(fabsf(got[c] - wanted[r * classes + c]) <= 2e-6F);
        }
        const weir_counters work_done = weir_graph_counters(graph);
        if (k == 0) assert_int_equal(work_done.forward_done, work_done.forward_dense);
        if (k == 3) assert_true(work_done.forward_done < work_done.forward_dense);
        weir_graph_counters_reset(graph);
    }
    weir_rows_free(all);
}

// Everything open, some gates, none: whatever a product needs was provided. (Without counting, only the numbers are
// looked at.)
static void rows_ask_for_no_memory(void **state) {
    (void)state;
    for (int precision = WEIR_FLOAT32; precision <= WEIR_BFLOAT16; precision++) {
        weir_graph *model = make_model((weir_precision)precision, false), *context = NULL;
        must(weir_graph_share(&context, model, rows, &error), &error);
        check_rows(context, false);
        weir_graph_free(context);
        check_rows(model, true);
        weir_graph_free(model);
    }
    if (COUNTS) assert_true(atomic_load(&calls) > 0); // else nothing was counted
}

static void a_row_is_looked_at(void **state) {
    (void)state;
    float row[width] = {0};
    weir_graph *model = make_model(WEIR_FLOAT32, false);
    assert_int_equal(weir_predict_row(model, NULL, NULL, NULL, &error), WEIR_ARGUMENT);
    row[5] = NAN;
    assert_int_equal(weir_predict_row(model, NULL, NULL, row, &error), WEIR_DATA);
    row[5] = 0;
    must(weir_predict_row(model, NULL, NULL, row, &error), &error);
    weir_graph_free(model);
}

// The first test of this program: a row wakes nobody, though its products are worth it and the process may use four
// threads; a batch does.
static void one_thread_for_one_row(void **state) {
    (void)state;
    enum { size = 2048, several = 8 };
    static const weir_node wide[] = {
        {.kind = "input", .size = size}, {.kind = "affine", .size = size}, {.kind = "tanh"}};
    static float many[several * size];
    weir_graph *model = NULL, *context = NULL;
    weir_graph_options options = weir_graph_options_default(several);
    options.training = false;
    weir_threads_use(1);
    must(weir_graph_create(&model, wide, 3, &options, &error), &error);
    weir_threads_use(4);
    must(weir_graph_share(&context, model, several, &error), &error);
    must(weir_predict_row(context, NULL, NULL, many, &error), &error);
    must(weir_predict_row(model, NULL, NULL, many, &error), &error);
    assert_int_equal(weir__pool_threads(), 0);
    const weir_pass pass = {.mode = WEIR_MODE_DECIDE, .rows = several, .inputs = many};
    for (size_t k = 0; k < 50 && !weir__pool_threads(); k++) must(weir_graph_forward(context, &pass, &error), &error);
    assert_true(weir__pool_threads() > 0);
    weir_threads_use(0);
    weir_graph_free(context);
    weir_graph_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thread_for_one_row),
        cmocka_unit_test(threads_have_the_same_bits),
        cmocka_unit_test(context_of_a_trained_model),
        cmocka_unit_test(context_with_a_kind_of_ones_own),
        cmocka_unit_test(nobody_changes_what_is_shared),
        cmocka_unit_test(shared_again_after_a_change),
        cmocka_unit_test(contexts_cost_little),
        cmocka_unit_test(rows_ask_for_no_memory),
        cmocka_unit_test(a_row_is_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
