// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The pool of threads: every piece once, in lanes of their own, whoever calls, however many call at a time, in children
// of fork(), and where the system gives no threads.

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "testing.h"
#include <weir/system.h>

#include "core/core.h"
#include "core/parallel.h"
#include "core/pool.h"

enum { MOST = 3000, LANES = 8 };

typedef struct tally {
    atomic_size_t calls[MOST];
    atomic_int busy[LANES]; // lanes with a piece at this moment
    atomic_int wrong;
    unsigned turns; // of work per piece
} tally;

static void work(unsigned turns) {
    for (volatile unsigned k = 0; k < turns; k++) {
    }
}

static void count_piece(const void *context, weir__piece piece) {
    tally *t = *(tally *const *)context;
    if (piece.lane >= (size_t)weir_threads() || piece.index >= piece.count) {
        atomic_fetch_add(&t->wrong, 1);
        return;
    }
    if (atomic_fetch_add(&t->busy[piece.lane], 1) != 0) atomic_fetch_add(&t->wrong, 1);
    work(t->turns);
    atomic_fetch_add(&t->calls[piece.index], 1);
    atomic_fetch_sub(&t->busy[piece.lane], 1);
}

static tally *new_tally(unsigned turns) {
    tally *t = calloc(1, sizeof *t);
    assert_non_null(t);
    t->turns = turns;
    return t;
}

/// Whether so many pieces were called once each, and in lanes of their own.
static bool is_right(tally *t, size_t count) {
    bool right = atomic_load(&t->wrong) == 0;
    for (size_t k = 0; k < MOST; k++) right = right && atomic_load(&t->calls[k]) == (k < count);
    return right;
}

static bool run_and_check(size_t count, unsigned turns) {
    tally *t = new_tally(turns);
    weir__parallel(count, count_piece, &t);
    const bool right = is_right(t, count);
    free(t);
    return right;
}

static void every_piece_is_run_once(void **state) {
    (void)state;
    static const size_t counts[] = {0, 1, 2, 3, 8, 100, 1023, 1024, 2047, 3000};
    for (int threads = 1; threads <= LANES; threads++) {
        weir_threads_use(threads);
        for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) assert_true(run_and_check(counts[k], 20));
    }
}

static void mark_range(const void *context, weir__range items) {
    tally *t = *(tally *const *)context;
    for (size_t k = items.first; k < items.last; k++) atomic_fetch_add(&t->calls[k], 1);
}

static void ranges_make_up_the_items(void **state) {
    (void)state;
    weir_threads_use(3);
    for (size_t count = 0; count < MOST; count = 3 * count + 1) {
        for (double each = 1; each < 1e7; each *= 100) {
            tally *t = new_tally(0);
            weir__parallel_ranges(count, each, mark_range, &t);
            assert_true(is_right(t, count));
            free(t);
        }
    }
}

/// A piece that is worth no second thread takes none, and the pool is not even started for it.
static void little_work_wakes_nobody(void **state) {
    (void)state;
    weir_threads_use(4);
    assert_int_equal(weir__pieces_for(1000), 1);
    assert_int_equal(weir__pieces_for(1e9), 4);
    weir_threads_use(1);
    assert_int_equal(weir__pieces_for(1e9), 1);
}

static void *call_often(void *failed) {
    for (int k = 0; k < 300; k++) {
        if (!run_and_check((size_t)(k % 40), 200)) atomic_fetch_add((atomic_int *)failed, 1);
    }
    return NULL;
}

/// More callers than slots and threads: they share the pool, and nobody waits for ever. Each ends, and others come.
static void many_callers_share_the_pool(void **state) {
    (void)state;
    enum { CALLERS = 20 };
    atomic_int failed = 0;
    weir_threads_use(3);
    for (int round = 0; round < 2; round++) {
        pthread_t threads[CALLERS];
        for (int k = 0; k < CALLERS; k++) assert_int_equal(pthread_create(&threads[k], NULL, call_often, &failed), 0);
        for (int k = 0; k < CALLERS; k++) assert_int_equal(pthread_join(threads[k], NULL), 0);
    }
    assert_int_equal(atomic_load(&failed), 0);
}

typedef struct nest {
    atomic_int inner, elsewhere;
} nest;

typedef struct inside {
    nest *nest;
    pthread_t caller;
} inside;

static void inner_piece(const void *context, weir__piece piece) {
    const inside *own = context;
    (void)piece;
    atomic_fetch_add(&own->nest->inner, 1);
    if (!pthread_equal(pthread_self(), own->caller)) atomic_fetch_add(&own->nest->elsewhere, 1);
}

static void outer_piece(const void *context, weir__piece piece) {
    const inside own = {*(nest *const *)context, pthread_self()};
    (void)piece;
    work(2000);
    weir__parallel(5, inner_piece, &own);
}

static void nested_calls_run_in_their_own_thread(void **state) {
    (void)state;
    nest n = {0}, *context = &n;
    weir_threads_use(4);
    weir__parallel(40, outer_piece, &context);
    assert_int_equal(atomic_load(&n.inner), 200);
    assert_int_equal(atomic_load(&n.elsewhere), 0);
}

static void threads_of_one_caller(void **state) {
    (void)state;
    weir_threads_use(4);
    const int outer = weir__threads_begin(1);
    assert_int_equal(weir_threads(), 1);
    assert_true(run_and_check(50, 20));
    const int inner = weir__threads_begin(INT32_MAX);
    assert_int_equal(weir_threads(), WEIR_THREADS_MOST);
    const int same = weir__threads_begin(0);
    assert_int_equal(weir_threads(), WEIR_THREADS_MOST);
    weir__threads_end(same);
    weir__threads_end(inner);
    assert_int_equal(weir_threads(), 1);
    weir__threads_end(outer);
    assert_int_equal(weir_threads(), 4);
}

/// Two threads meet in two pieces: the pool has really more than one.
static void meet(const void *context, weir__piece piece) {
    atomic_int *here = *(atomic_int *const *)context;
    const double end = weir__seconds() + 20;
    (void)piece;
    atomic_fetch_add(here, 1);
    while (atomic_load(here) < 2 && weir__seconds() < end) sched_yield();
}

static bool two_meet(void) {
    // A machine that is busy may have made the pool rest, so there are several attempts.
    for (int k = 0; k < 100; k++) {
        atomic_int here = 0, *context = &here;
        if (weir__pool_run(2, 2, meet, &context)) return atomic_load(&here) == 2;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return false;
}

static void threads_run_at_a_time(void **state) {
    (void)state;
    weir_threads_use(2);
    assert_true(two_meet());
    assert_true(weir__pool_threads() >= 1);
}

static void on_signal(int signal) { (void)signal; }

static void take_no_signal(const void *context, weir__piece piece) {
    sigset_t blocked;
    const pthread_t *caller = context;
    (void)piece;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    if (!pthread_equal(pthread_self(), *caller) && !sigismember(&blocked, SIGTERM)) abort();
    work(20000);
}

static void helpers_take_no_signals(void **state) {
    (void)state;
    const pthread_t caller = pthread_self();
    sigset_t blocked;
    weir_threads_use(4);
    void (*const former)(int) = signal(SIGTERM, on_signal);
    for (int k = 0; k < 20; k++) weir__parallel(40, take_no_signal, &caller);
    signal(SIGTERM, former);
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    assert_false(sigismember(&blocked, SIGTERM));
}

#if defined(__SANITIZE_THREAD__)
enum { CAN_FORK = 0 };
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
enum { CAN_FORK = 0 }; // its runtime has no threads in the child of a process that had several
#else
enum { CAN_FORK = 1 };
#endif
#else
enum { CAN_FORK = 1 };
#endif

/// What a child's function returns.
static int in_child(int (*function)(void)) {
    int result = 0;
    const pid_t child = fork();
    if (child == 0) {
        alarm(60);
        _exit(function());
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    return WEXITSTATUS(result);
}

static int child_has_its_own_threads(void) {
    if (weir__pool_threads() != 0) return 1;
    for (size_t count = 2; count < 200; count++)
        if (!run_and_check(count, 100)) return 2;
    return two_meet() ? 0 : 3;
}

static int child_of_a_child(void) { return child_has_its_own_threads() || in_child(child_has_its_own_threads); }

static void *keep_calling(void *stop) {
    while (!atomic_load((atomic_bool *)stop)) run_and_check(30, 100);
    return NULL;
}

/// A child has one thread, whatever the others were at: it starts its own.
static void children_have_threads_of_their_own(void **state) {
    (void)state;
    atomic_bool stop = false;
    pthread_t others[3];
    if (!CAN_FORK) skip();
    weir_threads_use(3);
    assert_true(two_meet());
    for (int k = 0; k < 3; k++) assert_int_equal(pthread_create(&others[k], NULL, keep_calling, &stop), 0);
    for (int k = 0; k < 10; k++) assert_int_equal(in_child(child_of_a_child), 0);
    atomic_store(&stop, true);
    for (int k = 0; k < 3; k++) assert_int_equal(pthread_join(others[k], NULL), 0);
    assert_true(run_and_check(100, 100));
}

static int without_threads(void) {
    // No more threads and processes of this user than there are; the superuser has no such limit.
    const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_NPROC, &none)) return 1;
    if (geteuid() == 0) weir__pool_refuse(true);
    for (size_t count = 2; count < 100; count++)
        if (!run_and_check(count, 10)) return 2;
    return weir__pool_threads() == 0 ? 0 : 3;
}

static void no_threads_are_no_failure(void **state) {
    (void)state;
    if (!CAN_FORK) skip();
    weir_threads_use(4);
    assert_int_equal(in_child(without_threads), 0);
}

typedef struct member {
    void (*work)(void *argument);
    void *argument;
} member;

static void *be_member(void *own) {
    const member *m = own;
    m->work(m->argument);
    return NULL;
}

static atomic_int team_calls;

/// As GOMP_parallel: the caller is the first of the members, and all have returned when it does.
static void team_of_threads(void (*function)(void *argument), void *argument, unsigned threads, unsigned flags) {
    pthread_t others[LANES];
    member m = {function, argument};
    unsigned started = 0;
    atomic_fetch_add(&team_calls, flags == 0);
    while (started + 1 < threads && pthread_create(&others[started], NULL, be_member, &m) == 0) started++;
    function(argument);
    while (started) pthread_join(others[--started], NULL);
}

/// A team may have fewer members than it was asked for: OpenMP gives one where it is inside a loop of its own.
static void team_of_one(void (*function)(void *argument), void *argument, unsigned threads, unsigned flags) {
    (void)threads, (void)flags;
    function(argument);
}

static int child_without_team(void) {
    atomic_store(&team_calls, 0);
    return child_has_its_own_threads() || atomic_load(&team_calls);
}

static void a_team_stands_in_for_the_pool(void **state) {
    (void)state;
    weir_threads_use(4);
    weir_team_use(team_of_one);
    assert_true(run_and_check(50, 20));
    weir_team_use(team_of_threads);
    every_piece_is_run_once(state);
    many_callers_share_the_pool(state);
    nested_calls_run_in_their_own_thread(state);
    weir_threads_use(2);
    assert_true(two_meet());
    assert_true(atomic_load(&team_calls) > 0);
    if (CAN_FORK) assert_int_equal(in_child(child_without_team), 0);
    weir_team_use(NULL);
    atomic_store(&team_calls, 0);
    assert_true(two_meet());
    assert_int_equal(atomic_load(&team_calls), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(little_work_wakes_nobody),
        cmocka_unit_test(every_piece_is_run_once),
        cmocka_unit_test(ranges_make_up_the_items),
        cmocka_unit_test(many_callers_share_the_pool),
        cmocka_unit_test(nested_calls_run_in_their_own_thread),
        cmocka_unit_test(threads_of_one_caller),
        cmocka_unit_test(threads_run_at_a_time),
        cmocka_unit_test(helpers_take_no_signals),
        cmocka_unit_test(children_have_threads_of_their_own),
        cmocka_unit_test(no_threads_are_no_failure),
        cmocka_unit_test(a_team_stands_in_for_the_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
