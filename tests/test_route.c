// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Routes against a naive listing, whatever the number of threads; their limits, and memory that runs out.

#include "testing.h"

#include "kernels/gated.h"

typedef struct batch {
    size_t rows, blocks;
    float *h;
    uint8_t *evaluate;
} batch;

static batch make_batch(size_t rows, size_t blocks, float share, float evaluate) {
    batch b = {rows, blocks, calloc(rows * blocks + 1, sizeof(float)), calloc(rows * blocks + 1, 1)};
    assert_true(b.h && b.evaluate);
    for (size_t k = 0; k < rows * blocks; k++) {
        if (uniform() < share) b.h[k] = uniform() - 2;
        b.evaluate[k] = uniform() < evaluate ? (uint8_t)(1 + k % 255) : 0;
    }
    return b;
}

static void free_batch(batch *b) { free(b->h), free(b->evaluate); }

static bool in_part(const batch *b, size_t r, size_t j, const uint8_t *evaluate, bool open) {
    const size_t k = r * b->blocks + j;
    if (open) return b->h[k] != 0;
    return b->h[k] == 0 && (evaluate == weir__route_all || (evaluate && evaluate[k]));
}

/// The route, slot by slot and entry by entry, as the header describes it.
static void check_route(const weir__route *route, const batch *b, const uint8_t *evaluate) {
    size_t slot = 0, open_slots = 0;
    assert_int_equal(route->rows, b->rows);
    assert_int_equal(route->blocks, b->blocks);
    for (size_t j = 0; j < b->blocks; j++) {
        assert_int_equal(route->start[j], slot);
        for (int part = 0; part < 2; part++) {
            for (size_t r = 0; r < b->rows; r++) {
                if (!in_part(b, r, j, evaluate, part == 0)) continue;
                if ((size_t)route->row[slot] != r) fail_msg("slot %zu: row %d, not %zu", slot, route->row[slot], r);
                slot++;
                open_slots += part == 0;
            }
            if (part == 0) assert_int_equal(route->open[j], slot);
        }
    }
    assert_int_equal(route->start[b->blocks], slot);
    assert_int_equal(route->slots, slot);
    assert_int_equal(route->open_slots, open_slots);
    size_t entry = 0;
    for (size_t r = 0; r < b->rows; r++) {
        assert_int_equal(route->row_start[r], entry);
        for (int part = 0; part < 2; part++) {
            for (size_t j = 0; j < b->blocks; j++) {
                if (!in_part(b, r, j, evaluate, part == 0)) continue;
                assert_int_equal(route->row_block[entry], j);
                const int32_t at = route->row_slot[entry];
                assert_true(at >= route->start[j] && at < route->start[j + 1]);
                assert_true((at < route->open[j]) == (part == 0));
                assert_int_equal(route->row[at], r);
                entry++;
            }
            if (part == 0) assert_int_equal(route->row_open[r], entry);
        }
    }
    assert_int_equal(route->row_start[b->rows], entry);
}

static void routes_list_every_pair(void **state) {
    (void)state;
    static const size_t sizes[][2] = {{0, 0},  {0, 7},    {5, 0},     {1, 1},     {1, 2000}, {3, 63},
                                      {7, 64}, {9, 1025}, {32, 2000}, {200, 300}, {64, 4097}};
    static const float shares[] = {0, 0.03f, 0.5f, 1};
    const int threads = weir_threads();
    weir__route route = {0}; // one for all, so that it shrinks and grows
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        for (size_t s = 0; s < 4; s++) {
            batch b = make_batch(sizes[k][0], sizes[k][1], shares[s], 0.2f);
            const uint8_t *masks[] = {NULL, b.evaluate, weir__route_all};
            for (int m = 0; m < 3; m++) {
                for (int t = 1; t <= 3; t++) {
                    weir_threads_use(t);
                    assert_int_equal(weir__route_build(&route, b.rows, b.blocks, b.h, masks[m], NULL), WEIR_OK);
                    check_route(&route, &b, masks[m]);
                }
            }
            free_batch(&b);
        }
    }
    weir__route_free(&route);
    weir_threads_use(threads);
}

static void only_zero_is_closed(void **state) {
    (void)state;
    const float h[] = {0.0f, -0.0f, NAN, INFINITY, -INFINITY, 1e-45f, -1e-45f, 1.0f};
    weir__route route = {0};
    assert_int_equal(weir__route_build(&route, 1, 8, h, NULL, NULL), WEIR_OK);
    assert_int_equal(route.slots, 6);
    for (int32_t e = 0; e < 6; e++) assert_int_equal(route.row_block[e], e + 2);
    weir__route_free(&route);
}

static void too_many_pairs_are_refused(void **state) {
    (void)state;
    weir__route route = {0};
    weir_error error = {0};
    const float h[1] = {1};
    assert_int_equal(weir__route_build(&route, 1u << 20, 1u << 20, h, NULL, &error), WEIR_SHAPE);
    assert_non_null(strstr(error.text, "smaller batches"));
    assert_int_equal(weir__route_build(&route, SIZE_MAX, 2, h, NULL, &error), WEIR_SHAPE);
    assert_null(route.start);
}

static void memory_may_run_out(void **state) {
    (void)state;
    batch b = make_batch(20, 50, 0.3f, 0);
    weir__route route = {0};
    weir_status status = WEIR_MEMORY;
    int failures = 0;
    for (; status != WEIR_OK; failures++) {
        weir_error error = {0};
        weir__alloc_fail_after(failures);
        status = weir__route_build(&route, b.rows, b.blocks, b.h, NULL, &error);
        weir__alloc_fail_after(-1);
        if (status == WEIR_OK) break;
        assert_int_equal(status, WEIR_MEMORY);
        assert_int_equal(route.rows + route.blocks + route.slots, 0);
        assert_null(route.row);
        assert_true(failures < 20);
    }
    assert_int_equal(failures, 9);
    check_route(&route, &b, NULL);
    weir__route_free(&route);
    free_batch(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes_list_every_pair),
        cmocka_unit_test(only_zero_is_closed),
        cmocka_unit_test(too_many_pairs_are_refused),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
