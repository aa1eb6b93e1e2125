// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The gated products against masked dense ones in double precision: every shape below × every instruction set of this
// processor × floats and bf16 × one and two threads. What a closed pair would touch holds NaN (weights of blocks that
// are closed in every row, inputs of such rows, closed slots, unused units of a short block); a NaN in a result is a
// fault. Zones around each output must keep their pattern. Two threads must give the bits of one. Successive calls with
// other routes must keep "not touched" meaning "zero".

#include "testing.h"

#include "kernels/bf16/bf16.h"
#include "kernels/gated.h"
#include "kernels/product.h"
#include "kernels/side.h"

enum { GUARD = 32 };
static const float guard_value = -12345.75f;

// ---- small helpers -------------------------------------------------------------------------------------------------

/// Room for the kernels of two threads, never cleared: what one product leaves there must not matter to the next.
static float scratch[2 * WEIR__THREAD_SCRATCH];

extern const weir__bf16_kernels weir__bf16_emulated; // of emulated_tiles.c

/// Whether inputs and weights are drawn among the bf16 numbers, which the bf16 kernels then have no need to round.
static bool rounded;
static float value(void) {
    const float any = 2 * uniform() - 1;
    return rounded ? weir__bf16_value(weir__bf16_of(any)) : any;
}

/// An array between two guard zones, filled with NaN.
static float *guarded(size_t count) {
    float *memory = malloc((count + 2 * GUARD) * sizeof *memory);
    assert_non_null(memory);
    for (size_t k = 0; k < GUARD; k++) memory[k] = memory[GUARD + count + k] = guard_value;
    for (size_t k = 0; k < count; k++) memory[GUARD + k] = NAN;
    return memory + GUARD;
}

static void check_guards(const float *array, size_t count) {
    for (size_t k = 0; k < GUARD; k++) {
        if (array[-1 - (ptrdiff_t)k] != guard_value) fail_msg("written %zu before the array", k + 1);
        if (array[count + k] != guard_value) fail_msg("written %zu after the array of %zu", k, count);
    }
}

static void release(float *array) { free(array - GUARD); }

/// One thread and the sizes of caches as they are; two, and hardly any cache: neither may change a bit.
static void use_threads(int threads) {
    static weir__caches usual;
    if (!usual.array) usual = weir__caches_in_use;
    weir_threads_use(threads);
    weir__caches_in_use =
        threads == 1 ? usual : (weir__caches){.inputs = 64, .piece = 600, .band = 400, .array = 1, .weights = 1};
}

// ---- a case --------------------------------------------------------------------------------------------------------

typedef enum { DENSE, COMPACT } side_form;
typedef enum { SOME, NO_ROW, ALL_ROWS } openness;

typedef struct test_case {
    size_t rows;
    side_form out_form, in_form;
    size_t out, out_block, in, in_block;
    float share;    // of the pairs that are open
    float evaluate; // of the closed pairs that are evaluated; > 1: all of them, by weir__route_all
} test_case;

/// One side with its route, its gates, and what they hold: plain values [rows][width] in double, 0 where closed.
typedef struct test_side {
    weir__side side;
    weir__route route;
    float *h;
    uint8_t *evaluated; // [rows][blocks]: pairs with a slot
    double *plain;
    size_t count; // floats of side.values
} test_side;

static size_t blocks_of(const test_case *c, bool out) {
    if ((out ? c->out_form : c->in_form) == DENSE) return 1;
    const size_t width = out ? c->out : c->in, block = out ? c->out_block : c->in_block;
    return (width + block - 1) / block;
}

static test_side make_side(const test_case *c, bool out, openness rows_open) {
    const side_form form = out ? c->out_form : c->in_form;
    const size_t width = out ? c->out : c->in, block = form == DENSE ? width : out ? c->out_block : c->in_block;
    const size_t blocks = (width + block - 1) / block;
    test_side t = {.side = {.width = width, .block = block}};
    t.plain = calloc(c->rows * width + 1, sizeof *t.plain);
    t.h = calloc(c->rows * blocks + 1, sizeof *t.h);
    uint8_t *evaluate = calloc(c->rows * blocks + 1, 1);
    assert_true(t.plain && t.h && evaluate);
    for (size_t k = 0; form == COMPACT && k < c->rows * blocks; k++) {
        const float share = rows_open == NO_ROW ? 0 : rows_open == ALL_ROWS ? 1 : c->share;
        if (uniform() < share) t.h[k] = value() + 2;
        evaluate[k] = uniform() < c->evaluate;
    }
    if (form == COMPACT) {
        const uint8_t *mask = c->evaluate > 1 ? weir__route_all : c->evaluate > 0 ? evaluate : NULL;
        assert_int_equal(weir__route_build(&t.route, c->rows, blocks, t.h, mask, NULL), WEIR_OK);
    }
    t.count = form == COMPACT ? t.route.slots * block : c->rows * width;
    t.side.values = guarded(t.count);
    memset(evaluate, 0, c->rows * blocks);
    for (size_t r = 0; form == COMPACT && r < c->rows; r++) {
        for (int32_t e = t.route.row_start[r]; e < t.route.row_start[r + 1]; e++) {
            evaluate[r * blocks + (size_t)t.route.row_block[e]] = 1;
        }
    }
    t.evaluated = evaluate;
    return t;
}

static void fix_route(test_side *t, side_form form) { t->side.route = form == COMPACT ? &t->route : NULL; }

static void free_side(test_side *t) {
    release(t->side.values);
    weir__route_free(&t->route);
    free(t->h);
    free(t->evaluated);
    free(t->plain);
}

/// Random values in what may be read: open slots, or rows for which the other side has an open pair (evaluated: a pair
/// at all). The rest stays NaN.
static void fill_input(const test_case *c, test_side *t, const test_side *other, bool evaluated) {
    weir__side *side = &t->side;
    for (size_t j = 0; j < weir__blocks(side); j++) {
        for (size_t s = weir__first(side, j); s < weir__open(side, j, c->rows); s++) {
            const size_t row = weir__row(side, s);
            const weir__route *route = other->side.route;
            if (!side->route && route &&
                route->row_start[row] == (evaluated ? route->row_start + 1 : route->row_open)[row]) {
                continue;
            }
            for (size_t u = 0; u < weir__units(side, j); u++) {
                weir__values(side, s)[u] = value();
                t->plain[row * side->width + j * side->block + u] = (double)weir__values(side, s)[u];
            }
        }
    }
}

static bool is_open(const test_side *t, size_t row, size_t unit) {
    return !t->side.route || t->h[row * t->route.blocks + unit / t->side.block] != 0;
}

static bool is_evaluated(const test_side *t, size_t row, size_t block) {
    return !t->side.route || t->evaluated[row * t->route.blocks + block];
}

/// Weights [out][in] as plain doubles, and in tiles: NaN in tiles that no row has open on `read` and evaluated on
/// `written`.
static void make_weights(const test_case *c, const test_side *out, const test_side *in, bool forward, double *plain,
                         float *tiles) {
    const test_side *written = forward ? out : in, *read = forward ? in : out;
    for (size_t jo = 0; jo < weir__blocks(&out->side); jo++) {
        for (size_t ji = 0; ji < weir__blocks(&in->side); ji++) {
            bool used = false;
            for (size_t r = 0; r < c->rows && !used; r++) {
                used = is_evaluated(written, r, forward ? jo : ji) &&
                       is_open(read, r, forward ? ji * in->side.block : jo * out->side.block);
            }
            const size_t height = weir__units(&out->side, jo), width = weir__units(&in->side, ji);
            float *tile = tiles + weir__tile(&out->side, &in->side, jo, ji);
            for (size_t o = 0; o < height; o++) {
                for (size_t i = 0; i < width; i++) {
                    const float w = value();
                    plain[(jo * out->side.block + o) * c->in + ji * in->side.block + i] = (double)w;
                    tile[o * width + i] = used ? w : NAN;
                }
            }
        }
    }
}

/// Compares each evaluated value of a side with wanted [rows][width], relative to the norm of all wanted values.
static void check_side(const test_case *c, const char *what, const test_side *t, const double *wanted) {
    double norm = 0;
    size_t count = 0;
    for (size_t k = 0; k < c->rows * t->side.width; k++) norm += wanted[k] * wanted[k];
    norm = sqrt(norm / (double)(c->rows * t->side.width)) + 1e-30;
    for (size_t j = 0; j < weir__blocks(&t->side); j++) {
        for (size_t s = weir__first(&t->side, j); s < weir__evaluated(&t->side, j, c->rows); s++) {
            const size_t row = weir__row(&t->side, s);
            for (size_t u = 0; u < weir__units(&t->side, j); u++, count++) {
                const double is = (double)weir__values(&t->side, s)[u];
                const double should = wanted[row * t->side.width + j * t->side.block + u];
                if (!(fabs(is - should) <= 1e-5 * (norm + fabs(should)))) {
                    fail_msg("%s[row %zu][block %zu][unit %zu] = %.9g, expected %.9g", what, row, j, u, is, should);
                }
            }
            // Beyond a short block: nothing is written.
            for (size_t u = weir__units(&t->side, j); u < t->side.block; u++) {
                if (!isnan(weir__values(&t->side, s)[u])) fail_msg("%s: unused unit written", what);
            }
        }
    }
    if (!t->side.route && !count) fail_msg("%s: nothing was compared", what);
}

// ---- the three products --------------------------------------------------------------------------------------------

static uint64_t pairs_of(const test_case *c, const test_side *a, bool evaluated, const test_side *b) {
    uint64_t pairs = 0;
    for (size_t r = 0; r < c->rows; r++) {
        uint64_t na = 0, nb = 0;
        for (size_t u = 0; u < a->side.width; u++) {
            na += evaluated ? is_evaluated(a, r, u / a->side.block) : is_open(a, r, u);
        }
        for (size_t u = 0; u < b->side.width; u++) nb += is_open(b, r, u);
        pairs += na * nb;
    }
    return pairs;
}

static void run_forward(const test_case *c, const weir__gated_kernels *kernels, openness open_out, openness open_in) {
    test_side y = make_side(c, true, open_out), x = make_side(c, false, open_in);
    fix_route(&y, c->out_form), fix_route(&x, c->in_form);
    fill_input(c, &x, &y, true);
    double *plain = calloc(c->out * c->in, sizeof *plain), *wanted = calloc(c->rows * c->out, sizeof *wanted);
    float *weights = guarded(c->out * c->in), *bias = guarded(c->out);
    make_weights(c, &y, &x, true, plain, weights);
    for (size_t o = 0; o < c->out; o++) bias[o] = value();
    for (size_t r = 0; r < c->rows; r++) {
        for (size_t o = 0; o < c->out; o++) {
            if (!is_evaluated(&y, r, o / y.side.block)) continue;
            double sum = (double)bias[o];
            for (size_t i = 0; i < c->in; i++) sum += x.plain[r * c->in + i] * plain[o * c->in + i];
            wanted[r * c->out + o] = sum;
        }
    }
    assert_true(weir__gated_forward_work(c->rows, &y.side, &x.side) == pairs_of(c, &y, true, &x));

    use_threads(1);
    kernels->forward(c->rows, &y.side, &x.side, weights, bias, scratch);
    check_side(c, "y", &y, wanted);
    check_guards(y.side.values, y.count);
    float *first = y.side.values;
    y.side.values = guarded(y.count);
    use_threads(2);
    kernels->forward(c->rows, &y.side, &x.side, weights, bias, scratch);
    assert_memory_equal(first, y.side.values, y.count * sizeof *first);
    release(first);

    // Without a bias; and the planner, which may read every weight and every input.
    for (size_t r = 0; r < c->rows; r++) {
        for (size_t o = 0; o < c->out; o++) {
            wanted[r * c->out + o] -= is_evaluated(&y, r, o / y.side.block) ? (double)bias[o] : 0;
        }
    }
    kernels->forward(c->rows, &y.side, &x.side, weights, NULL, scratch);
    check_side(c, "y without bias", &y, wanted);
    weir__scratch room = {0};
    const weir__weights tiles = {.values = weights};
    for (size_t k = 0; k < y.count; k++) y.side.values[k] = NAN;
    assert_int_equal(weir__product_forward(NULL, c->rows, &y.side, &x.side, &tiles, NULL, &room, NULL), WEIR_OK);
    check_side(c, "y of the planner", &y, wanted);
    check_guards(y.side.values, y.count);
    weir__scratch_free(&room);

    release(weights), release(bias), free(plain), free(wanted), free_side(&x), free_side(&y);
}

static void run_input_gradient(const test_case *c, const weir__gated_kernels *kernels, openness open_out,
                               openness open_in) {
    test_side dy = make_side(c, true, open_out), dx = make_side(c, false, open_in);
    fix_route(&dy, c->out_form), fix_route(&dx, c->in_form);
    fill_input(c, &dy, &dx, true);
    double *plain = calloc(c->out * c->in, sizeof *plain), *wanted = calloc(c->rows * c->in, sizeof *wanted);
    float *weights = guarded(c->out * c->in);
    make_weights(c, &dy, &dx, false, plain, weights);
    for (size_t r = 0; r < c->rows; r++) {
        for (size_t i = 0; i < c->in; i++) {
            if (!is_evaluated(&dx, r, i / dx.side.block)) continue;
            double sum = 0;
            for (size_t o = 0; o < c->out; o++) sum += dy.plain[r * c->out + o] * plain[o * c->in + i];
            wanted[r * c->in + i] = sum;
        }
    }
    assert_true(weir__gated_input_gradient_work(c->rows, &dx.side, &dy.side) == pairs_of(c, &dx, true, &dy));

    use_threads(1);
    kernels->input_gradient(c->rows, &dx.side, &dy.side, weights, scratch);
    check_side(c, "dx", &dx, wanted);
    check_guards(dx.side.values, dx.count);
    float *first = dx.side.values;
    dx.side.values = guarded(dx.count);
    use_threads(2);
    kernels->input_gradient(c->rows, &dx.side, &dy.side, weights, scratch);
    assert_memory_equal(first, dx.side.values, dx.count * sizeof *first);
    release(first);
    release(weights), free(plain), free(wanted), free_side(&dx), free_side(&dy);
}

/// Gradients and flags that live through several calls.
typedef struct gradients {
    float *weights, *bias;
    uint8_t *touched, *bias_touched;
} gradients;

static gradients make_gradients(const test_case *c) {
    const size_t tiles = blocks_of(c, true) * blocks_of(c, false);
    gradients g = {guarded(c->out * c->in), guarded(c->out), calloc(tiles, 1), calloc(blocks_of(c, true), 1)};
    assert_true(g.touched && g.bias_touched);
    return g;
}

static void free_gradients(gradients *g) {
    release(g->weights), release(g->bias), free(g->touched), free(g->bias_touched);
}

/// A gradient tile: right where it is touched; where not, zero if it ever was touched, else still NaN.
static void check_tile(const char *what, const float *tile, size_t stride, const double *wanted, size_t wanted_stride,
                       size_t height, size_t width, bool touched, bool ever, double norm) {
    for (size_t o = 0; o < height; o++) {
        for (size_t i = 0; i < width; i++) {
            const double is = (double)tile[o * stride + i], should = wanted[o * wanted_stride + i];
            if (!touched && !ever) {
                if (!isnan(is)) fail_msg("%s: a tile without pairs was written", what);
            } else if (!(fabs(is - should) <= 1e-5 * (norm + fabs(should))) || (!touched && is != 0)) {
                fail_msg("%s[%zu][%zu] = %.9g, expected %.9g (touched %d)", what, o, i, is, should, touched);
            }
        }
    }
}

static void check_gradients(const test_case *c, const test_side *dy, const test_side *x, const gradients *g,
                            const uint8_t *ever, const uint8_t *bias_ever) {
    double *wanted = calloc(c->out * c->in, sizeof *wanted), *wanted_bias = calloc(c->out, sizeof *wanted_bias);
    double norm = 0;
    for (size_t r = 0; r < c->rows; r++) {
        for (size_t o = 0; o < c->out; o++) {
            const double d = dy->plain[r * c->out + o];
            wanted_bias[o] += d;
            if (d == 0) continue;
            for (size_t i = 0; i < c->in; i++) wanted[o * c->in + i] += d * x->plain[r * c->in + i];
        }
    }
    for (size_t k = 0; k < c->out * c->in; k++) norm += wanted[k] * wanted[k];
    norm = sqrt(norm / (double)(c->out * c->in)) + 1e-30;
    for (size_t jo = 0; jo < blocks_of(c, true); jo++) {
        bool any_row = !dy->side.route;
        const size_t o = jo * dy->side.block, height = weir__units(&dy->side, jo);
        for (size_t ji = 0; ji < blocks_of(c, false); ji++) {
            const size_t tile = jo * blocks_of(c, false) + ji, i = ji * x->side.block;
            bool any = false;
            for (size_t r = 0; r < c->rows; r++) {
                any_row = any_row || is_open(dy, r, o);
                any = any || (is_open(dy, r, o) && is_open(x, r, i));
            }
            assert_int_equal(g->touched[tile], any);
            check_tile("dW", g->weights + weir__tile(&dy->side, &x->side, jo, ji), weir__units(&x->side, ji),
                       wanted + o * c->in + i, c->in, height, weir__units(&x->side, ji), any, ever[tile], norm);
        }
        assert_int_equal(g->bias_touched[jo], any_row);
        check_tile("dbias", g->bias + o, 1, wanted_bias + o, 1, height, 1, any_row, bias_ever[jo],
                   sqrt((double)c->rows));
    }
    check_guards(g->weights, c->out * c->in);
    check_guards(g->bias, c->out);
    free(wanted), free(wanted_bias);
}

/// Several calls with other routes on the same gradients: first some pairs, then none, all, and some again.
static void run_weight_gradient(const test_case *c, const weir__gated_kernels *kernels) {
    static const openness calls[] = {SOME, NO_ROW, ALL_ROWS, SOME, SOME};
    const size_t tiles = blocks_of(c, true) * blocks_of(c, false), strips = blocks_of(c, true);
    gradients one = make_gradients(c), two = make_gradients(c);
    uint8_t *ever = calloc(tiles, 1), *bias_ever = calloc(strips, 1);
    for (size_t call = 0; call < sizeof calls / sizeof calls[0]; call++) {
        test_side dy = make_side(c, true, calls[call]), x = make_side(c, false, calls[call]);
        fix_route(&dy, c->out_form), fix_route(&x, c->in_form);
        fill_input(c, &x, &dy, false);
        // A dense dy is read for every row, for the bias.
        const test_side nothing = {.side = {.width = 1}};
        fill_input(c, &dy, &nothing, false);
        assert_true(weir__gated_weight_gradient_work(c->rows, &dy.side, &x.side) == pairs_of(c, &dy, false, &x));
        use_threads(1);
        kernels->weight_gradient(c->rows, one.weights, one.bias, one.touched, one.bias_touched, &dy.side, &x.side);
        check_gradients(c, &dy, &x, &one, ever, bias_ever);
        use_threads(2);
        kernels->weight_gradient(c->rows, two.weights, two.bias, two.touched, two.bias_touched, &dy.side, &x.side);
        assert_memory_equal(one.weights, two.weights, c->out * c->in * sizeof(float));
        assert_memory_equal(one.bias, two.bias, c->out * sizeof(float));
        assert_memory_equal(one.touched, two.touched, tiles);
        assert_memory_equal(one.bias_touched, two.bias_touched, strips);
        for (size_t k = 0; k < tiles; k++) ever[k] |= one.touched[k];
        for (size_t k = 0; k < strips; k++) bias_ever[k] |= one.bias_touched[k];
        free_side(&dy), free_side(&x);
    }
    free_gradients(&one), free_gradients(&two), free(ever), free(bias_ever);
}

// ---- the fused update ----------------------------------------------------------------------------------------------

/// Parameters with their moving averages, all between guard zones.
typedef struct learner {
    float *weights, *bias, *slot[WEIR__UPDATE_SLOTS], *bias_slot[WEIR__UPDATE_SLOTS];
    weir__halves halves; // of the weights, for kernels of bf16, and one number more that nobody writes
} learner;

enum { UNTOUCHED = 0x5a5a };

/// The weights in halves, before an update in bf16.
static void split_learner(const test_case *c, learner *l) {
    const size_t count = c->out * c->in;
    l->halves.upper = malloc((count + 1) * sizeof *l->halves.upper);
    l->halves.lower = malloc((count + 1) * sizeof *l->halves.lower);
    assert_true(l->halves.upper && l->halves.lower);
    weir__halves_split(count, &l->halves, l->weights);
    l->halves.upper[count] = l->halves.lower[count] = UNTOUCHED;
}

/// And as floats again, after it.
static void join_learner(const test_case *c, learner *l) {
    const size_t count = c->out * c->in;
    assert_true(l->halves.upper[count] == UNTOUCHED && l->halves.lower[count] == UNTOUCHED);
    weir__halves_join(count, l->weights, l->halves.upper, l->halves.lower);
    free(l->halves.upper), free(l->halves.lower);
    l->halves = (weir__halves){NULL, NULL};
}

static float *guarded_copy(const float *from, size_t count) {
    float *copy = guarded(count);
    memcpy(copy, from, count * sizeof *copy);
    return copy;
}

static float *guarded_values(size_t count, float least, float greatest) {
    float *values = guarded(count);
    for (size_t k = 0; k < count; k++) values[k] = least + (greatest - least) * uniform();
    return values;
}

static learner copy_learner(const test_case *c, const learner *from) {
    learner copy = {.weights = guarded_copy(from->weights, c->out * c->in), .bias = guarded_copy(from->bias, c->out)};
    for (size_t s = 0; s < WEIR__UPDATE_SLOTS; s++) {
        copy.slot[s] = guarded_copy(from->slot[s], c->out * c->in);
        copy.bias_slot[s] = guarded_copy(from->bias_slot[s], c->out);
    }
    return copy;
}

static void free_learner(const test_case *c, learner *l) {
    check_guards(l->weights, c->out * c->in), check_guards(l->bias, c->out);
    release(l->weights), release(l->bias);
    for (size_t s = 0; s < WEIR__UPDATE_SLOTS; s++) {
        check_guards(l->slot[s], c->out * c->in), check_guards(l->bias_slot[s], c->out);
        release(l->slot[s]), release(l->bias_slot[s]);
    }
}

/// Poison where nothing may be read or written: tiles without a pair (with a limit: strips without any), and blocks of
/// the bias that no row has open.
static void poison_learner(learner *l, const gradients *g, const test_side *dy, const test_side *x, bool limit) {
    const size_t columns = weir__blocks(&x->side);
    for (size_t jo = 0; jo < weir__blocks(&dy->side); jo++) {
        const size_t height = weir__units(&dy->side, jo);
        bool moves = false;
        for (size_t ji = 0; ji < columns; ji++) moves = moves || g->touched[jo * columns + ji];
        for (size_t ji = 0; ji < columns; ji++) {
            if (g->touched[jo * columns + ji]) continue;
            const size_t at = weir__tile(&dy->side, &x->side, jo, ji), area = height * weir__units(&x->side, ji);
            for (size_t k = at; k < at + area; k++) {
                if (!limit || !moves) l->weights[k] = NAN;
                for (size_t s = 0; s < WEIR__UPDATE_SLOTS; s++) l->slot[s][k] = NAN;
            }
        }
        for (size_t k = jo * dy->side.block; !g->bias_touched[jo] && k < jo * dy->side.block + height; k++) {
            l->bias[k] = l->bias_slot[0][k] = l->bias_slot[1][k] = NAN;
        }
    }
}

/// NaN must have stayed where it was, and nowhere else.
static void check_moved(const char *what, const float *is, const float *should, size_t count, double tolerance) {
    for (size_t k = 0; k < count; k++) {
        if (isnan(is[k]) && isnan(should[k])) continue;
        const double distance = fabs((double)is[k] - (double)should[k]);
        if (!(distance <= tolerance * (1 + fabs((double)should[k])))) {
            fail_msg("%s %zu = %.9g, expected %.9g", what, k, (double)is[k], (double)should[k]);
        }
    }
}

static weir__update update_of(const weir__update_rule *rule, float *const *slot, bool weights, bool limit, bool all) {
    weir__update u = {.rule = rule,
                      .move = {.rate = 0.125f,
                               .decay = all ? 0.01f : 0,
                               .momentum = 0.5f,
                               .epsilon = 0.1f,
                               .past1 = 0.75f,
                               .new1 = 0.25f,
                               .past2 = 0.875f,
                               .new2 = 0.125f,
                               .correction1 = 1.5f,
                               .correction2 = 1.25f},
                      .most = weights && limit ? 1 : 0,
                      .all = all};
    for (size_t s = 0; rule->slots[s]; s++) u.slot[s] = slot[s];
    return u;
}

/// Sides of an update, and its gradient in double precision.
static void make_update(const test_case *c, test_side *dy, test_side *x, gradients *g) {
    const test_side nothing = {.side = {.width = 1}};
    *dy = make_side(c, true, SOME), *x = make_side(c, false, SOME), *g = make_gradients(c);
    fix_route(dy, c->out_form), fix_route(x, c->in_form);
    fill_input(c, x, dy, false), fill_input(c, dy, &nothing, false);
    memset(g->weights, 0, c->out * c->in * sizeof(float)), memset(g->bias, 0, c->out * sizeof(float));
    weir__gated_kernels_of(WEIR_ISA_REFERENCE)
        ->weight_gradient(c->rows, g->weights, g->bias, g->touched, g->bias_touched, &dy->side, &x->side);
    for (size_t jo = 0; jo < weir__blocks(&dy->side); jo++) {
        for (size_t ji = 0; ji < weir__blocks(&x->side); ji++) {
            const size_t height = weir__units(&dy->side, jo), width = weir__units(&x->side, ji);
            float *tile = g->weights + weir__tile(&dy->side, &x->side, jo, ji);
            for (size_t k = 0; k < height * width; k++) {
                const size_t o = jo * dy->side.block + k / width, i = ji * x->side.block + k % width;
                double sum = 0;
                for (size_t r = 0; r < c->rows; r++) sum += dy->plain[r * c->out + o] * x->plain[r * c->in + i];
                tile[k] = (float)sum;
            }
        }
    }
}

static learner make_learner(const test_case *c) {
    learner l = {.weights = guarded_values(c->out * c->in, -1, 1), .bias = guarded_values(c->out, -1, 1)};
    for (size_t s = 0; s < WEIR__UPDATE_SLOTS; s++) {
        l.slot[s] = guarded_values(c->out * c->in, 0, 1);
        l.bias_slot[s] = guarded_values(c->out, 0, 1);
    }
    return l;
}

/// The fused update against the gradient followed by an update of the whole array.
static void compare_update(const test_case *c, const weir__gated_kernels *kernels, const weir__update_rule *rule,
                           bool limit, bool all) {
    const size_t weights = c->out * c->in;
    test_side dy, x;
    gradients g;
    make_update(c, &dy, &x, &g);
    learner wanted = make_learner(c);
    // Poison shows what is read; without poison, moving averages that must stand still show what is visited.
    if (!all && rule == &weir__sgd) poison_learner(&wanted, &g, &dy, &x, limit);
    learner one = copy_learner(c, &wanted), two = copy_learner(c, &wanted);
    const weir__tiling tiling = {c->out, c->in, dy.side.block, x.side.block}, of_bias = {c->out, 1, dy.side.block, 1};
    const weir__update apart = update_of(rule, wanted.slot, true, limit, all);
    const weir__update bias_apart = update_of(rule, wanted.bias_slot, false, limit, all);
    weir__update_apply(&apart, wanted.weights, g.weights, g.touched, &tiling);
    weir__update_apply(&bias_apart, wanted.bias, g.bias, g.bias_touched, &of_bias);

    learner *const runs[] = {&one, &two};
    for (int k = 0; k < 2; k++) {
        weir__update u = update_of(rule, runs[k]->slot, true, limit, all);
        const weir__update of = update_of(rule, runs[k]->bias_slot, false, limit, all);
        if (rounded) split_learner(c, runs[k]), u.halves = runs[k]->halves;
        use_threads(k + 1);
        kernels->weight_update(c->rows, rounded ? NULL : runs[k]->weights, runs[k]->bias, &dy.side, &x.side, &u, &of,
                               scratch);
        if (rounded) join_learner(c, runs[k]);
    }
    assert_memory_equal(one.weights, two.weights, weights * sizeof(float));
    assert_memory_equal(one.bias, two.bias, c->out * sizeof(float));
    check_moved("weight", one.weights, wanted.weights, weights, 1e-5);
    check_moved("bias", one.bias, wanted.bias, c->out, 1e-5);
    for (size_t s = 0; rule->slots[s]; s++) {
        assert_memory_equal(one.slot[s], two.slot[s], weights * sizeof(float));
        check_moved("average of weight", one.slot[s], wanted.slot[s], weights, 1e-5);
        check_moved("average of bias", one.bias_slot[s], wanted.bias_slot[s], c->out, 1e-5);
    }
    free_learner(c, &one), free_learner(c, &two), free_learner(c, &wanted);
    free_side(&dy), free_side(&x), free_gradients(&g);
}

static void run_weight_update(const test_case *c, const weir__gated_kernels *kernels) {
    for (size_t k = 0; weir__update_rule_at(k); k++) {
        compare_update(c, kernels, weir__update_rule_at(k), false, false);
        compare_update(c, kernels, weir__update_rule_at(k), true, false);
    }
    compare_update(c, kernels, &weir__sgd, true, true);
}

// ---- both at once --------------------------------------------------------------------------------------------------

/// The input gradient and the update by one kernel, against the two after one another: the same bits.
static void compare_backward(const test_case *c, const weir__gated_kernels *kernels, const weir__update_rule *rule,
                             bool limit, bool all) {
    const size_t weights = c->out * c->in;
    test_side dy, x;
    gradients g;
    make_update(c, &dy, &x, &g);
    learner runs[3] = {make_learner(c)};
    // Closed pairs that are evaluated are read for dx, whatever has a pair.
    if (!all && rule == &weir__sgd && c->evaluate == 0) poison_learner(&runs[0], &g, &dy, &x, limit);
    runs[1] = copy_learner(c, &runs[0]), runs[2] = copy_learner(c, &runs[0]);
    float *dx[3];
    for (int k = 0; k < 3; k++) {
        weir__update u = update_of(rule, runs[k].slot, true, limit, all);
        const weir__update of = update_of(rule, runs[k].bias_slot, false, limit, all);
        weir__side to = x.side;
        if (rounded) split_learner(c, &runs[k]), u.halves = runs[k].halves;
        to.values = dx[k] = guarded(x.count);
        use_threads(k ? k : 1);
        if (k) {
            kernels->backward(c->rows, &to, &dy.side, &x.side, runs[k].weights, runs[k].bias, &u, &of, scratch);
        } else {
            kernels->input_gradient(c->rows, &to, &dy.side, runs[k].weights, scratch);
            kernels->weight_update(c->rows, runs[k].weights, runs[k].bias, &dy.side, &x.side, &u, &of, scratch);
        }
        if (rounded) join_learner(c, &runs[k]);
        check_guards(dx[k], x.count);
        assert_memory_equal(dx[k], dx[0], x.count * sizeof(float));
        assert_memory_equal(runs[k].weights, runs[0].weights, weights * sizeof(float));
        assert_memory_equal(runs[k].bias, runs[0].bias, c->out * sizeof(float));
        for (size_t s = 0; rule->slots[s]; s++) {
            assert_memory_equal(runs[k].slot[s], runs[0].slot[s], weights * sizeof(float));
            assert_memory_equal(runs[k].bias_slot[s], runs[0].bias_slot[s], c->out * sizeof(float));
        }
    }
    for (int k = 0; k < 3; k++) release(dx[k]), free_learner(c, &runs[k]);
    free_side(&dy), free_side(&x), free_gradients(&g);
}

static void run_backward(const test_case *c, const weir__gated_kernels *kernels) {
    compare_backward(c, kernels, &weir__sgd, false, false);
    compare_backward(c, kernels, &weir__sgd, false, true);
    compare_backward(c, kernels, &weir__sgd, true, false);
    compare_backward(c, kernels, &weir__momentum, false, false);
}

// ---- the case list -------------------------------------------------------------------------------------------------

static void run_case(const test_case *c, const weir__gated_kernels *kernels, uint64_t seed) {
    static const openness ways[][2] = {{SOME, SOME}, {NO_ROW, SOME}, {SOME, NO_ROW}, {ALL_ROWS, ALL_ROWS}};
    random_state = seed;
    for (size_t k = 0; k < 4; k++) {
        run_forward(c, kernels, ways[k][0], ways[k][1]);
        run_input_gradient(c, kernels, ways[k][0], ways[k][1]);
    }
    run_weight_gradient(c, kernels);
    run_weight_update(c, kernels);
    run_backward(c, kernels);
}

// The bf16 kernels behind the table of the others; the weights are rounded into an array that ends where theirs do.
static uint16_t *round_weights(const weir__side *out, const weir__side *in, const float *weights) {
    const size_t count = out->width * in->width;
    uint16_t *half = malloc(count * sizeof *half);
    assert_non_null(half);
    weir__halves_split(count, &(weir__halves){.upper = half}, weights);
    return half;
}

static void bf16_forward(size_t rows, const weir__side *y, const weir__side *x, const float *weights, const float *bias,
                         float *unused) {
    (void)unused; // these have a buffer
    uint16_t *half = round_weights(y, x, weights);
    weir__buffer buffer = {0};
    assert_int_equal(weir__bf16_forward(rows, y, x, half, bias, &buffer, NULL), WEIR_OK);
    weir__buffer_free(&buffer), free(half);
}

static void bf16_input_gradient(size_t rows, const weir__side *dx, const weir__side *dy, const float *weights,
                                float *unused) {
    (void)unused;
    uint16_t *half = round_weights(dy, dx, weights);
    weir__buffer buffer = {0};
    assert_int_equal(weir__bf16_input_gradient(rows, dx, dy, half, &buffer, NULL), WEIR_OK);
    weir__buffer_free(&buffer), free(half);
}

static void bf16_weight_update(size_t rows, float *weights, float *bias, const weir__side *dy, const weir__side *x,
                               const weir__update *update, const weir__update *bias_update, float *unused) {
    (void)weights, (void)unused; // the halves of the update are the weights
    weir__buffer room = {0};
    assert_int_equal(weir__bf16_weight_update(rows, bias, dy, x, update, bias_update, &room, NULL), WEIR_OK);
    weir__buffer_free(&room);
}

static void bf16_backward(size_t rows, const weir__side *dx, const weir__side *dy, const weir__side *x, float *weights,
                          float *bias, const weir__update *update, const weir__update *bias_update, float *unused) {
    (void)weights, (void)unused;
    weir__buffer room = {0};
    assert_int_equal(weir__bf16_backward(rows, dx, dy, x, bias, update, bias_update, &room, NULL), WEIR_OK);
    weir__buffer_free(&room);
}

static const weir__gated_kernels *bf16_kernels(void) {
    static weir__gated_kernels kernels;
    kernels = *weir__gated_current();
    kernels.name = "bf16";
    kernels.forward = bf16_forward;
    kernels.input_gradient = bf16_input_gradient;
    kernels.weight_update = bf16_weight_update;
    kernels.backward = bf16_backward;
    return &kernels;
}

static void run_cases(const test_case *cases, size_t count, const weir__gated_kernels *kernels) {
    for (size_t k = 0; k < count; k++) {
        const test_case *c = &cases[k];
        // cmocka reports the failing line; this says which case it was.
        if (getenv("WEIR_TEST_VERBOSE")) {
            printf("%s %s: %zu rows, out %zu/%zu, in %zu/%zu, share %g\n", weir_isa_name(weir_isa_current()),
                   kernels->name, c->rows, c->out, c->out_form == DENSE ? c->out : c->out_block, c->in,
                   c->in_form == DENSE ? c->in : c->in_block, (double)c->share);
            fflush(stdout);
        }
        run_case(c, kernels, 1000 + k);
    }
}

static void run_bf16(const test_case *cases, size_t count) {
    rounded = true;
    run_cases(cases, count, bf16_kernels());
    rounded = false;
}

/// The kernels of tiles, without such tiles.
static void run_emulated(const test_case *cases, size_t count) {
    assert_int_equal(weir_isa_use(WEIR_ISA_GENERIC), WEIR_OK);
    weir__bf16_kernels_in_use = &weir__bf16_emulated;
    run_bf16(cases, count);
    weir__bf16_kernels_in_use = NULL;
}

static void run_all(const test_case *cases, size_t count) {
    const weir_isa before = weir_isa_current();
    const int threads = weir_threads();
    for (int isa = 0; isa <= (int)weir_isa_best(); isa++) {
        const weir__gated_kernels *kernels = weir__gated_kernels_of((weir_isa)isa);
        assert_int_equal(weir_isa_use((weir_isa)isa), WEIR_OK);
        assert_ptr_equal(weir__gated_current(), kernels);
        assert_string_equal(weir__bf16_kernels_of((weir_isa)isa)->name, weir_isa_name((weir_isa)isa));
        if (isa <= (int)WEIR_ISA_AVX512) { // beyond it the kernels of floats are the same
            assert_string_equal(kernels->name, weir_isa_name((weir_isa)isa));
            run_cases(cases, count, kernels);
        }
        run_bf16(cases, count);
    }
    run_emulated(cases, count);
    assert_int_equal(weir_isa_use(before), WEIR_OK);
    weir_threads_use(threads);
}

// ---- strategies ----------------------------------------------------------------------------------------------------

static weir__case case_of(const test_case *c, weir_operation operation) {
    test_side out = make_side(c, true, SOME), in = make_side(c, false, SOME);
    fix_route(&out, c->out_form), fix_route(&in, c->in_form);
    const weir__case found = weir__case_of(operation, c->rows, &out.side, &in.side);
    free_side(&out), free_side(&in);
    return found;
}

static void run_operation(const test_case *c, const weir__gated_kernels *kernels, int operation) {
    switch (operation) {
    case WEIR_OPERATION_FORWARD:
        run_forward(c, kernels, SOME, SOME);
        break;
    case WEIR_OPERATION_INPUT_GRADIENT:
        run_input_gradient(c, kernels, SOME, SOME);
        break;
    case WEIR_OPERATION_WEIGHT_GRADIENT:
        run_weight_gradient(c, kernels);
        break;
    case WEIR_OPERATION_WEIGHT_UPDATE:
        run_weight_update(c, kernels);
        break;
    default:
        compare_backward(c, kernels, &weir__sgd, false, false);
        break;
    }
}

/// Each row of a table, wherever it applies, though another one would be chosen.
static void run_table(const weir__strategy *table, const weir__gated_kernels *kernels, int operation) {
    static const test_case cases[] = {
        {40, COMPACT, DENSE, 70, 16, 90, 0, 0.5f, 0.3f}, {40, COMPACT, DENSE, 37, 1, 90, 0, 0.4f, 0.2f},
        {9, COMPACT, DENSE, 70, 40, 530, 0, 0.6f, 0},    {40, DENSE, COMPACT, 70, 0, 90, 16, 0.5f, 0.3f},
        {40, DENSE, COMPACT, 37, 0, 50, 1, 0.4f, 0},     {40, COMPACT, COMPACT, 70, 16, 90, 33, 0.5f, 0.3f},
        {40, COMPACT, COMPACT, 37, 1, 45, 1, 0.3f, 0},   {21, COMPACT, COMPACT, 70, 7, 45, 1, 0.4f, 0.2f},
        {21, COMPACT, COMPACT, 37, 1, 90, 16, 0.4f, 0},  {33, DENSE, DENSE, 70, 0, 90, 0, 1, 0},
        {40, DENSE, COMPACT, 10, 0, 45, 1, 0.4f, 0.3f},  {40, COMPACT, DENSE, 45, 1, 10, 0, 0.4f, 0.3f},
    };
    const bool backward = operation == WEIR_OPERATION_COUNT;
    for (const weir__strategy *s = table; s && s->name; s++) {
        size_t forced = 0;
        weir__strategy_wanted = s->name;
        for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
            random_state = 500 + k;
            const weir__case c =
                case_of(&cases[k], backward ? WEIR_OPERATION_INPUT_GRADIENT : (weir_operation)operation);
            if (weir__strategy_choose(table, &c) != s) continue;
            forced++;
            if (getenv("WEIR_TEST_VERBOSE")) printf("%s, operation %d: \"%s\"\n", kernels->name, operation, s->name);
            run_operation(&cases[k], kernels, operation);
        }
        if (!forced) fail_msg("%s, operation %d: no case for \"%s\"", kernels->name, operation, s->name);
    }
    weir__strategy_wanted = NULL;
}

static void run_tables(const weir__strategy *const *tables, const weir__strategy *backward,
                       const weir__gated_kernels *kernels) {
    for (int operation = 0; operation < WEIR_OPERATION_COUNT; operation++) {
        run_table(tables[operation], kernels, operation);
    }
    run_table(backward, kernels, WEIR_OPERATION_COUNT);
}

static void every_strategy(void **state) {
    (void)state;
    const weir_isa before = weir_isa_current();
    const int threads = weir_threads();
    for (int isa = WEIR_ISA_GENERIC; isa <= (int)weir_isa_best(); isa++) {
        const weir__gated_kernels *kernels = weir__gated_kernels_of((weir_isa)isa);
        const weir__bf16_kernels *half = weir__bf16_kernels_of((weir_isa)isa);
        assert_int_equal(weir_isa_use((weir_isa)isa), WEIR_OK);
        for (int operation = 0; operation < WEIR_OPERATION_COUNT; operation++) {
            assert_non_null(kernels->strategies[operation]);
        }
        run_tables(kernels->strategies, kernels->backward_strategies, kernels);
        rounded = true;
        run_tables(half->strategies, half->backward_strategies, bf16_kernels());
        rounded = false;
    }
    assert_int_equal(weir_isa_use(WEIR_ISA_GENERIC), WEIR_OK);
    weir__bf16_kernels_in_use = &weir__bf16_emulated;
    rounded = true;
    run_tables(weir__bf16_emulated.strategies, weir__bf16_emulated.backward_strategies, bf16_kernels());
    rounded = false;
    weir__bf16_kernels_in_use = NULL;
    assert_int_equal(weir_isa_use(before), WEIR_OK);
    weir_threads_use(threads);
}

static const size_t block_sizes[] = {1, 2, 3, 7, 8, 16, 33, 64};
enum { BLOCK_SIZES = sizeof block_sizes / sizeof block_sizes[0] };
static const float shares[] = {0, 0.08f, 0.5f, 1};

static void one_sided(void **state) {
    (void)state;
    test_case cases[BLOCK_SIZES * 4 + 16];
    size_t count = 0;
    for (size_t b = 0; b < BLOCK_SIZES; b++) {
        for (size_t s = 0; s < 4; s++) {
            const size_t width = b % 2 ? 35 : 80; // with and without a part of a vector at the end
            cases[count++] = (test_case){.rows = 3 + (b * 5 + s * 17) % 41,
                                         .out_form = COMPACT,
                                         .out = 70,
                                         .out_block = block_sizes[b],
                                         .in_form = DENSE,
                                         .in = width,
                                         .share = shares[s],
                                         .evaluate = s == 1   ? 0.3f
                                                     : s == 2 ? 2
                                                              : 0};
        }
    }
    cases[count++] = (test_case){1, COMPACT, DENSE, 1, 1, 1, 0, 1, 0};
    cases[count++] = (test_case){5, COMPACT, DENSE, 3, 1, 1, 0, 0.5f, 0.5f};
    cases[count++] = (test_case){21, COMPACT, DENSE, 9, 4, 3, 0, 0.7f, 0};
    cases[count++] = (test_case){30, COMPACT, DENSE, 200, 1, 784, 0, 0.1f, 0};  // more than one thread
    cases[count++] = (test_case){33, COMPACT, DENSE, 100, 16, 801, 0, 0.4f, 0}; // more than one chunk
    cases[count++] = (test_case){9, COMPACT, DENSE, 40, 16, 1700, 0, 0.8f, 0.2f};
    cases[count++] = (test_case){330, COMPACT, DENSE, 70, 40, 512, 0, 0.9f, 0}; // rows beyond one list, whole chunks
    cases[count++] = (test_case){200, COMPACT, DENSE, 50, 33, 801, 0, 0.2f, 0}; // panels of x, the last one narrower
    cases[count++] = (test_case){3, COMPACT, DENSE, 64, 32, 17408, 0, 0.7f, 0}; // many chunks
    cases[count++] = (test_case){1100, COMPACT, DENSE, 50, 25, 41, 0, 0.3f, 0}; // rows beyond one piece of sums
    cases[count++] =
        (test_case){40, COMPACT, DENSE, 140, 70, 150, 0, 0.8f, 0}; // panels of columns, and units beyond one
    cases[count++] = (test_case){1030, COMPACT, DENSE, 20, 16, 70, 0, 0.5f, 0}; // rows whose sums do not fit at once
    run_all(cases, count);
}

static void compact_to_dense(void **state) {
    (void)state;
    test_case cases[BLOCK_SIZES * 4 + 8];
    size_t count = 0;
    for (size_t b = 0; b < BLOCK_SIZES; b++) {
        for (size_t s = 0; s < 4; s++) {
            cases[count++] = (test_case){.rows = 3 + (b * 3 + s * 27) % 61,
                                         .out_form = DENSE,
                                         .out = s == 1   ? 10
                                                : s == 2 ? 37
                                                         : 16,
                                         .in_form = COMPACT,
                                         .in = 70,
                                         .in_block = block_sizes[b],
                                         .share = shares[s],
                                         .evaluate = s == 1   ? 0.3f
                                                     : s == 2 ? 2
                                                              : 0};
        }
    }
    cases[count++] = (test_case){1, DENSE, COMPACT, 1, 0, 1, 1, 1, 0};
    cases[count++] = (test_case){6, DENSE, COMPACT, 150, 0, 31, 1, 0.5f, 0.5f};
    cases[count++] = (test_case){40, DENSE, COMPACT, 10, 0, 400, 1, 0.1f, 0};
    cases[count++] = (test_case){40, DENSE, COMPACT, 67, 0, 400, 16, 0.3f, 0};
    run_all(cases, count);
}

static void two_sided(void **state) {
    (void)state;
    test_case cases[BLOCK_SIZES * BLOCK_SIZES + 8];
    size_t count = 0;
    for (size_t a = 0; a < BLOCK_SIZES; a++) {
        for (size_t b = 0; b < BLOCK_SIZES; b++) {
            const size_t s = (a + b) % 4;
            cases[count++] = (test_case){.rows = 2 + (a * 13 + b * 7) % 43,
                                         .out_form = COMPACT,
                                         .out = 50,
                                         .out_block = block_sizes[a],
                                         .in_form = COMPACT,
                                         .in = 70,
                                         .in_block = block_sizes[b],
                                         .share = s ? shares[s] : 0.25f,
                                         .evaluate = a % 3 == 1 ? 0.4f : 0};
        }
    }
    cases[count++] = (test_case){1, COMPACT, COMPACT, 1, 1, 1, 1, 1, 0};
    cases[count++] = (test_case){60, COMPACT, COMPACT, 96, 16, 160, 32, 0.4f, 0};
    cases[count++] = (test_case){2500, COMPACT, COMPACT, 18, 9, 18, 9, 0.05f, 0}; // rows beyond one look-up table
    cases[count++] = (test_case){1500, COMPACT, COMPACT, 9, 9, 9, 9, 0.9f, 0};    // pairs beyond one list
    cases[count++] = (test_case){400, COMPACT, COMPACT, 40, 20, 70, 33, 0.8f, 0.5f};
    cases[count++] = (test_case){90, COMPACT, COMPACT, 300, 64, 250, 64, 0.25f, 0}; // tiles shared by some rows
    run_all(cases, count);
}

static void dense_sides(void **state) {
    (void)state;
    const test_case cases[] = {{1, DENSE, DENSE, 1, 0, 1, 0, 1, 0},
                               {7, DENSE, DENSE, 19, 0, 33, 0, 1, 0},
                               {40, DENSE, DENSE, 70, 0, 130, 0, 1, 0},
                               {150, DENSE, DENSE, 130, 0, 300, 0, 1, 0},
                               // Rows that fill one to four vectors of lanes, some with a few left over.
                               {14, DENSE, DENSE, 37, 0, 21, 0, 1, 0},
                               {16, DENSE, DENSE, 23, 0, 40, 0, 1, 0},
                               {31, DENSE, DENSE, 50, 0, 67, 0, 1, 0},
                               {32, DENSE, DENSE, 9, 0, 5, 0, 1, 0},
                               {45, DENSE, DENSE, 33, 0, 18, 0, 1, 0},
                               {64, DENSE, DENSE, 21, 0, 1603, 0, 1, 0}};
    run_all(cases, sizeof cases / sizeof *cases);
}

/// Few rows of a dense input, many units: their gradient is summed range by range.
static void ranges_of_units(void **state) {
    (void)state;
    const test_case cases[] = {{20, DENSE, DENSE, 300, 0, 130, 0, 1, 0},
                               {1, DENSE, DENSE, 256, 0, 67, 0, 1, 0},
                               {33, COMPACT, DENSE, 300, 20, 90, 0, 0.8f, 0.3f},
                               {9, COMPACT, DENSE, 261, 4, 70, 0, 1, 0},
                               {6, COMPACT, DENSE, 400, 200, 129, 0, 0.7f, 0}}; // ranges without a block
    run_all(cases, sizeof cases / sizeof *cases);
}

/// Units of a compact input, a few dense outputs: one to four vectors of them, and more.
static void units_to_few_outputs(void **state) {
    (void)state;
    const test_case cases[] = {
        {37, DENSE, COMPACT, 10, 0, 45, 1, 0.3f, 0}, {20, DENSE, COMPACT, 16, 0, 300, 1, 0.4f, 0},
        {21, DENSE, COMPACT, 31, 0, 50, 1, 0.1f, 0}, {9, DENSE, COMPACT, 47, 0, 33, 1, 0.5f, 0.3f},
        {12, DENSE, COMPACT, 64, 0, 70, 1, 0.2f, 0}, {12, DENSE, COMPACT, 65, 0, 70, 1, 0.2f, 0}};
    run_all(cases, sizeof cases / sizeof *cases);
}

/// Slots, units and inputs beyond one piece of the kernels of tiles.
static void pieces_of_tiles(void **state) {
    (void)state;
    const weir_isa before = weir_isa_current();
    const int threads = weir_threads();
    const test_case cases[] = {{270, COMPACT, DENSE, 64, 32, 530, 0, 0.98f, 0},
                               {258, DENSE, DENSE, 264, 0, 520, 0, 1, 0}};
    if (weir_isa_best() >= WEIR_ISA_AMX) {
        assert_int_equal(weir_isa_use(WEIR_ISA_AMX), WEIR_OK);
        run_bf16(cases, 2);
    }
    run_emulated(cases, 2);
    assert_int_equal(weir_isa_use(before), WEIR_OK);
    weir_threads_use(threads);
}

/// Work falls exactly with the open pairs.
static void work_falls_with_the_share(void **state) {
    (void)state;
    uint64_t last = UINT64_MAX;
    for (int closed = 0; closed <= 10; closed++) {
        enum { ROWS = 4, BLOCKS = 10, BLOCK = 3, WIDTH = 29, IN = 50 };
        float h[ROWS * BLOCKS];
        for (int k = 0; k < ROWS * BLOCKS; k++) h[k] = k % BLOCKS >= closed;
        weir__route route = {0};
        assert_int_equal(weir__route_build(&route, ROWS, BLOCKS, h, NULL, NULL), WEIR_OK);
        const weir__side y = {&route, WIDTH, BLOCK, NULL}, x = {NULL, IN, IN, NULL};
        const uint64_t units = closed == BLOCKS ? 0 : WIDTH - (uint64_t)closed * BLOCK;
        const uint64_t work = weir__gated_forward_work(ROWS, &y, &x);
        assert_true(work == ROWS * units * IN);
        assert_true(work < last);
        last = work;
        assert_true(weir__gated_weight_gradient_work(ROWS, &y, &x) == work);
        assert_true(weir__gated_input_gradient_work(ROWS, &x, &y) == work);
        assert_true(weir__gated_forward_work(ROWS, &y, &y) == ROWS * units * units);
        weir__route_free(&route);
    }
    assert_true(last == 0);
}

static void nothing_to_do(void **state) {
    (void)state;
    weir__route route = {0};
    assert_int_equal(weir__route_build(&route, 0, 5, NULL, NULL, NULL), WEIR_OK);
    for (int isa = 0; isa <= (int)weir_isa_best(); isa++) {
        const weir__gated_kernels *k = weir__gated_kernels_of((weir_isa)isa);
        float weights[20], bias[5], zero[1];
        uint8_t touched[5] = {1, 0, 1, 1, 1}, bias_touched[5] = {1, 1, 0, 1, 1};
        for (int i = 0; i < 20; i++) weights[i] = 1;
        for (int i = 0; i < 5; i++) bias[i] = 1;
        const weir__side y = {&route, 5, 1, zero}, x = {NULL, 4, 4, zero};
        k->forward(0, &y, &x, weights, bias, scratch);
        k->input_gradient(0, &x, &y, weights, scratch);
        k->weight_gradient(0, weights, bias, touched, bias_touched, &y, &x);
        for (int i = 0; i < 20; i++) assert_true(weights[i] == (i / 4 == 1 ? 1.0f : 0.0f));
        for (int i = 0; i < 5; i++) {
            assert_true(bias[i] == (i == 2 ? 1.0f : 0.0f));
            assert_true(!touched[i] && !bias_touched[i]);
        }
    }
    weir__route_free(&route);
}

int main(void) {
    weir__small_work = 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_sided),       cmocka_unit_test(compact_to_dense),
        cmocka_unit_test(two_sided),       cmocka_unit_test(dense_sides),
        cmocka_unit_test(ranges_of_units), cmocka_unit_test(units_to_few_outputs),
        cmocka_unit_test(pieces_of_tiles), cmocka_unit_test(work_falls_with_the_share),
        cmocka_unit_test(nothing_to_do),   cmocka_unit_test(every_strategy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
