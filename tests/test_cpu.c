// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Version, instruction sets and threads, and that WEIR_ISA decides at the first call (each in a process of its own).

#include <cblas.h>
#include <limits.h>
#include <math.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing.h"
#include <weir/system.h>

#include "core/core.h"
#include "core/parallel.h"

static void version_is_that_of_the_header(void **state) {
    (void)state;
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", WEIR_VERSION_MAJOR, WEIR_VERSION_MINOR, WEIR_VERSION_PATCH);
    assert_string_equal(weir_version(), text);
}

static void names_are_those_of_the_environment(void **state) {
    (void)state;
    assert_string_equal(weir_isa_name(WEIR_ISA_REFERENCE), "reference");
    assert_string_equal(weir_isa_name(WEIR_ISA_GENERIC), "generic");
    assert_string_equal(weir_isa_name(WEIR_ISA_AVX2), "avx2");
    assert_string_equal(weir_isa_name(WEIR_ISA_AVX512), "avx512");
    assert_string_equal(weir_isa_name(WEIR_ISA_AVX512BF16), "avx512bf16");
    assert_string_equal(weir_isa_name(WEIR_ISA_AMX), "amx");
    assert_string_equal(weir_isa_name(WEIR_ISA_COUNT), "unknown");
    assert_string_equal(weir_isa_name((weir_isa)-1), "unknown");
    assert_string_equal(weir_precision_name(WEIR_FLOAT32), "fp32");
    assert_string_equal(weir_precision_name(WEIR_BFLOAT16), "bf16");
    assert_string_equal(weir_precision_name((weir_precision)2), "unknown");
}

static void every_set_up_to_the_best_can_be_used(void **state) {
    (void)state;
    const weir_isa before = weir_isa_current(), best = weir_isa_best();
    assert_true(best >= WEIR_ISA_GENERIC && best < WEIR_ISA_COUNT);
    assert_true(before <= best);
    for (int isa = 0; isa < WEIR_ISA_COUNT; isa++) {
        const weir_isa former = weir_isa_current();
        const weir_status status = weir_isa_use((weir_isa)isa);
        assert_int_equal(status, isa <= (int)best ? WEIR_OK : WEIR_UNSUPPORTED);
        assert_int_equal(weir_isa_current(), isa <= (int)best ? (weir_isa)isa : former);
    }
    assert_int_equal(weir_isa_use(WEIR_ISA_COUNT), WEIR_ARGUMENT);
    assert_int_equal(weir_isa_use((weir_isa)-1), WEIR_ARGUMENT);
    assert_int_equal(weir_isa_use(before), WEIR_OK);
}

// Products ask for it: in a virtual machine a question to the processor takes 20 us and more, a memory read none.
static void the_processor_is_asked_once(void **state) {
    (void)state;
    double least = INFINITY;
    weir_isa_best();
    for (int round = 0; round < 20; round++) {
        const double start = weir__seconds();
        for (int k = 0; k < 100; k++) weir_isa_best();
        least = fmin(least, weir__seconds() - start);
    }
    assert_true(least < 50e-6); // of one hundred
}

// What a fresh process chooses when WEIR_ISA is value.
static int isa_of_a_process_with(const char *program, const char *value) {
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        setenv("WEIR_ISA", value, 1);
        execl(program, program, "--print-isa", (char *)NULL);
        _exit(99);
    }
    int result = 0;
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    return WEXITSTATUS(result);
}

static void environment_decides_at_the_first_call(void **state) {
    const char *program = *state;
    const int best = (int)weir_isa_best();
    assert_int_equal(isa_of_a_process_with(program, "reference"), WEIR_ISA_REFERENCE);
    assert_int_equal(isa_of_a_process_with(program, "generic"), WEIR_ISA_GENERIC);
    assert_int_equal(isa_of_a_process_with(program, "avx2"), best >= WEIR_ISA_AVX2 ? WEIR_ISA_AVX2 : best);
    assert_int_equal(isa_of_a_process_with(program, "avx512"), best >= WEIR_ISA_AVX512 ? WEIR_ISA_AVX512 : best);
    assert_int_equal(isa_of_a_process_with(program, "avx512bf16"),
                     best >= WEIR_ISA_AVX512BF16 ? WEIR_ISA_AVX512BF16 : best);
    assert_int_equal(isa_of_a_process_with(program, "amx"), best);
    assert_int_equal(isa_of_a_process_with(program, "abacus"), best);
    assert_int_equal(isa_of_a_process_with(program, ""), best);
}

static void count_call(const void *context, weir__piece piece) {
    atomic_size_t *const *calls = context;
    assert_true(piece.lane < (size_t)weir_threads());
    atomic_fetch_add(calls[piece.index], 1);
}

static void each_piece_runs_once(void) {
    atomic_size_t calls[2000] = {0}, *places[2000];
    for (size_t k = 0; k < 2000; k++) places[k] = &calls[k];
    for (size_t count = 0; count <= 2000; count = count ? 5 * count : 1) {
        for (size_t k = 0; k < 2000; k++) atomic_store(&calls[k], 0);
        weir__parallel(count, count_call, places);
        for (size_t k = 0; k < 2000; k++) assert_int_equal(atomic_load(&calls[k]), k < count);
    }
}

static void threads_are_those_that_were_asked_for(void **state) {
    (void)state;
    assert_true(weir_threads() >= 1);
    const int of_cblas = openblas_get_num_threads();
    for (int threads = 1; threads <= 3; threads++) {
        weir_threads_use(threads);
        assert_int_equal(weir_threads(), threads);
        each_piece_runs_once();
    }
    assert_int_equal(openblas_get_num_threads(), of_cblas); // somebody else may use it, too
    weir_threads_use(0);
    assert_int_equal(weir_threads(), sysconf(_SC_NPROCESSORS_ONLN));
    weir_threads_use(-5);
    assert_int_equal(weir_threads(), sysconf(_SC_NPROCESSORS_ONLN));
    weir_threads_use(INT_MAX);
    assert_int_equal(weir_threads(), WEIR_THREADS_MOST);
    weir_threads_use(0);
}

int main(int count, char **words) {
    if (count == 2 && strcmp(words[1], "--print-isa") == 0) return (int)weir_isa_current();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_is_that_of_the_header),
        cmocka_unit_test(names_are_those_of_the_environment),
        cmocka_unit_test(every_set_up_to_the_best_can_be_used),
        cmocka_unit_test(the_processor_is_asked_once),
        cmocka_unit_test_prestate(environment_decides_at_the_first_call, words[0]),
        cmocka_unit_test(threads_are_those_that_were_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
