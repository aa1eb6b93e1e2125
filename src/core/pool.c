// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Threads that help whoever has pieces to run.
//
// A caller puts its job into a slot and claims pieces like everybody else, until all are begun; then it waits for those
// that others are still at. A thread that wakes late, or not at all, finds nothing left to do and delays nobody.
//
// The caller takes its pieces from the front, helpers theirs from the back: in job after job over the same rows a
// thread then comes to those whose numbers are in its cache. (Fetched from another processor's, a line costs some 30
// ns.)
//
// A job's slot outlives it, and a helper may look at it at any time: what it needs to know is one word, the ticket
// {job's number, helpers, pieces, pieces begun at the back, and at the front}. Who moves the ticket from one value to
// the next owns that piece, and knows by it that what it has read of the slot was that job's: a slot gets a new job
// only when all pieces of the former one are begun and done.
//
// A team (weir_team_use) stands in for the pool's own threads: its members look at the one slot for which they were
// called.
//
// A machine that is busy with other programs takes the processor from a helper in the middle of a piece, for
// milliseconds, while its caller waits; or from the caller, for the helper. The pool therefore keeps an account of the
// time that helpers save and cost. When it is empty, callers work alone for a while, so long that the loss becomes a
// small share of the time, but not long after a first loss; then the next job tries anew.

#include "pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include "core.h"

enum {
    SLOTS = 16,         // jobs at a time; callers beyond that work alone
    MOST_CLAIMS = 1023, // a job of more pieces has several of them claimed at once
    TURNS = 64          // of a spinning thread between two looks at the clock
};

static const double helper_spin = 150e-6, caller_spin = 50e-6; // seconds, before sleeping
static const double team_spin = 1e-3;                          // seconds that a team is thought to
static const double first_credit = 4e-3, most_credit = 16e-3;  // seconds that helpers may cost
static const double most_loss = 0.03;                          // share of the time that they may cost for long
static const double least_alone = 10e-3, most_alone = 0.4;     // seconds without helpers; doubled from loss to loss
static const double long_ago = 1e-3, long_work = 0.5e-3; // seconds that make it worth to ask for the processor's time

// ---- tickets -------------------------------------------------------------------------------------------------------

enum { END_BITS = 10, COUNT_BITS = 10, HELPER_BITS = 8, BACK = END_BITS, COUNT = 2 * END_BITS };
enum { HELPERS = COUNT + COUNT_BITS, NUMBER = HELPERS + HELPER_BITS };
static const uint64_t one_in_front = 1, one_at_back = UINT64_C(1) << BACK, one_helper = UINT64_C(1) << HELPERS;

static uint64_t field(uint64_t ticket, unsigned shift, unsigned bits) {
    return ticket >> shift & ((UINT64_C(1) << bits) - 1);
}
static uint64_t front_of(uint64_t t) { return field(t, 0, END_BITS); }
static uint64_t back_of(uint64_t t) { return field(t, BACK, END_BITS); }
static uint64_t count_of(uint64_t t) { return field(t, COUNT, COUNT_BITS); }
static uint64_t helpers_of(uint64_t t) { return field(t, HELPERS, HELPER_BITS); }
static uint64_t number_of(uint64_t t) { return t >> NUMBER; }
static uint64_t ticket_of(uint64_t number, uint64_t count) { return number << NUMBER | count << COUNT; }

// ---- the pool ------------------------------------------------------------------------------------------------------

typedef struct slot {
    _Alignas(64) atomic_uint_fast64_t ticket;
    _Atomic(weir__piece_function *) function;
    _Atomic(const void *) context;
    atomic_size_t pieces, most_helpers;
    atomic_bool taken;
    _Alignas(64) atomic_size_t done; // claims
    atomic_bool waited_for;
    pthread_mutex_t mutex;
    pthread_cond_t all_done;
} slot;

static struct {
    slot slots[SLOTS];
    pthread_mutex_t mutex; // of sleeping, and of starting threads
    pthread_cond_t new_job;
    atomic_uint jobs;             // posted so far: helpers wait for it to change
    atomic_int sleeping, looking; // helpers
    atomic_size_t helpers;
    atomic_bool refused;        // the system gave no more threads
    _Atomic(weir_team *) team;  // NULL: the pool has its own threads
    _Atomic double team_worked; // when (weir__seconds) the team last returned
    _Atomic double credit;      // seconds that helpers may still cost
    _Atomic double alone;       // when (weir__seconds) callers get helpers again
    _Atomic double pause;       // seconds that they are alone after the next loss, at most
} pool = {.mutex = PTHREAD_MUTEX_INITIALIZER,
          .new_job = PTHREAD_COND_INITIALIZER,
          .credit = first_credit,
          .pause = least_alone};

static _Thread_local bool is_inside; // a piece: what it wants to have done in parallel it does itself

/// What there is to know of a piece once it is claimed.
typedef struct claim {
    weir__piece_function *function;
    const void *context;
    size_t pieces;   // of the job
    uint64_t ticket; // of the job, after the claim
    size_t lane;
} claim;

/// The next piece of the slot's job that nobody has begun. c: the claim before, of this thread; zeros: none.
static bool claim_next(slot *s, claim *c, bool owner) {
    uint64_t t = atomic_load_explicit(&s->ticket, memory_order_acquire);
    for (;;) {
        const bool joins = !owner && !(c->lane && number_of(c->ticket) == number_of(t));
        if (front_of(t) + back_of(t) >= count_of(t)) return false;
        if (joins && helpers_of(t) >= atomic_load_explicit(&s->most_helpers, memory_order_relaxed)) return false;
        c->function = atomic_load_explicit(&s->function, memory_order_relaxed);
        c->context = atomic_load_explicit(&s->context, memory_order_relaxed);
        c->pieces = atomic_load_explicit(&s->pieces, memory_order_relaxed);
        const uint64_t after = t + (owner ? one_in_front : one_at_back) + (joins ? one_helper : 0);
        if (!atomic_compare_exchange_weak_explicit(&s->ticket, &t, after, memory_order_acq_rel, memory_order_acquire)) {
            continue;
        }
        c->ticket = after;
        if (joins) c->lane = (size_t)helpers_of(after);
        return true;
    }
}

static void run_claimed(slot *s, const claim *c) {
    const size_t claims = (size_t)count_of(c->ticket),
                 own = c->lane ? claims - (size_t)back_of(c->ticket) : (size_t)front_of(c->ticket) - 1;
    const weir__range pieces = weir__part(c->pieces, own, claims);
    for (size_t k = pieces.first; k < pieces.last; k++) {
        c->function(c->context, (weir__piece){k, c->pieces, c->lane});
    }
    if (atomic_fetch_add(&s->done, 1) + 1 == claims && atomic_load(&s->waited_for)) {
        pthread_mutex_lock(&s->mutex);
        pthread_cond_signal(&s->all_done);
        pthread_mutex_unlock(&s->mutex);
    }
}

static void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

// ---- helpers -------------------------------------------------------------------------------------------------------

/// Does what there is to do; whether there was anything.
static bool help(void) {
    bool any = false;
    for (size_t k = 0; k < SLOTS; k++) {
        claim c = {0};
        while (claim_next(&pool.slots[k], &c, false)) {
            run_claimed(&pool.slots[k], &c);
            any = true;
        }
    }
    return any;
}

/// Whether there is a new job within the time that a helper spins.
static bool look_out(unsigned seen) {
    const double start = weir__seconds();
    bool found = false;
    atomic_fetch_add_explicit(&pool.looking, 1, memory_order_relaxed);
    do {
        for (int turn = 0; turn < TURNS && !found; turn++) {
            pause_briefly();
            found = atomic_load_explicit(&pool.jobs, memory_order_acquire) != seen;
        }
    } while (!found && weir__seconds() - start < helper_spin);
    atomic_fetch_sub_explicit(&pool.looking, 1, memory_order_relaxed);
    return found;
}

static void sleep_until_new(unsigned seen) {
    pthread_mutex_lock(&pool.mutex);
    atomic_fetch_add(&pool.sleeping, 1);
    while (atomic_load(&pool.jobs) == seen) pthread_cond_wait(&pool.new_job, &pool.mutex);
    atomic_fetch_sub(&pool.sleeping, 1);
    pthread_mutex_unlock(&pool.mutex);
}

static void *be_helper(void *unused) {
    (void)unused;
    is_inside = true;
    for (;;) {
        const unsigned seen = atomic_load(&pool.jobs);
        if (!help() && !look_out(seen)) sleep_until_new(seen);
    }
    return NULL;
}

/// One more thread; signals are not for it.
static bool start_helper(void) {
    sigset_t all, former;
    pthread_attr_t detached;
    pthread_t thread;
    if (pthread_attr_init(&detached)) return false;
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &former);
    const bool started = pthread_create(&thread, &detached, be_helper, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &former, NULL);
    pthread_attr_destroy(&detached);
    return started;
}

/// In a child process, which has the calling thread alone.
static void after_fork(void) {
    for (size_t k = 0; k < SLOTS; k++) {
        slot *s = &pool.slots[k];
        pthread_mutex_init(&s->mutex, NULL);
        pthread_cond_init(&s->all_done, NULL);
        // A job of another thread stays unfinished for ever: all of it is begun.
        const uint64_t number = number_of(atomic_load(&s->ticket)) + 1;
        atomic_store(&s->ticket, ticket_of(number, 0));
        atomic_store(&s->taken, false);
    }
    pthread_mutex_init(&pool.mutex, NULL);
    pthread_cond_init(&pool.new_job, NULL);
    atomic_store(&pool.helpers, 0);
    atomic_store(&pool.sleeping, 0);
    atomic_store(&pool.looking, 0);
    atomic_store(&pool.refused, false);
    atomic_store(&pool.team, NULL); // its threads have stayed behind, too
}

static void prepare(void) {
    for (size_t k = 0; k < SLOTS; k++) {
        pthread_mutex_init(&pool.slots[k].mutex, NULL);
        pthread_cond_init(&pool.slots[k].all_done, NULL);
    }
    pthread_atfork(NULL, NULL, after_fork);
}

static void be_prepared(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, prepare);
}

/// Starts threads until there are so many, or the system gives no more.
static void have_helpers(size_t wanted) {
    if (atomic_load_explicit(&pool.helpers, memory_order_relaxed) >= wanted || atomic_load(&pool.refused)) return;
    be_prepared();
    pthread_mutex_lock(&pool.mutex);
    while (!atomic_load(&pool.refused) && atomic_load(&pool.helpers) < wanted) {
        if (start_helper()) {
            atomic_fetch_add(&pool.helpers, 1);
        } else {
            atomic_store(&pool.refused, true);
        }
    }
    pthread_mutex_unlock(&pool.mutex);
}

// ---- callers -------------------------------------------------------------------------------------------------------

static slot *take_slot(void) {
    for (size_t k = 0; k < SLOTS; k++) {
        slot *s = &pool.slots[k];
        if (!atomic_load_explicit(&s->taken, memory_order_relaxed) && !atomic_exchange(&s->taken, true)) return s;
    }
    return NULL;
}

static void post(slot *s, size_t count, size_t helpers, weir__piece_function *function, const void *context) {
    const size_t claims = count < MOST_CLAIMS ? count : MOST_CLAIMS;
    const uint64_t number = number_of(atomic_load_explicit(&s->ticket, memory_order_relaxed)) + 1;
    atomic_store_explicit(&s->function, function, memory_order_relaxed);
    atomic_store_explicit(&s->context, context, memory_order_relaxed);
    atomic_store_explicit(&s->pieces, count, memory_order_relaxed);
    atomic_store_explicit(&s->most_helpers, helpers, memory_order_relaxed);
    atomic_store_explicit(&s->done, 0, memory_order_relaxed);
    atomic_store_explicit(&s->waited_for, false, memory_order_relaxed);
    atomic_store_explicit(&s->ticket, ticket_of(number, claims), memory_order_release);
    if (atomic_load_explicit(&pool.team, memory_order_relaxed)) return; // which is called
    atomic_fetch_add(&pool.jobs, 1);
    if (!atomic_load(&pool.sleeping)) return;
    // Whoever is about to sleep has the lock and has not seen the job. It is free again before anybody is woken, since
    // who wakes may take the processor from this thread.
    pthread_mutex_lock(&pool.mutex);
    pthread_mutex_unlock(&pool.mutex);
    for (size_t k = 0; k < helpers && k + 1 < claims; k++) pthread_cond_signal(&pool.new_job);
}

/// Until every piece is done.
static void wait_for(slot *s, double now) {
    const size_t claims = (size_t)count_of(atomic_load_explicit(&s->ticket, memory_order_relaxed));
    const double end = now + caller_spin;
    for (int turn = 0; atomic_load_explicit(&s->done, memory_order_acquire) < claims; turn++) {
        pause_briefly();
        if (turn % TURNS || weir__seconds() < end) continue;
        pthread_mutex_lock(&s->mutex);
        atomic_store(&s->waited_for, true);
        while (atomic_load(&s->done) < claims) pthread_cond_wait(&s->all_done, &s->mutex);
        pthread_mutex_unlock(&s->mutex);
    }
}

/// When this thread's processor time was last asked for, and what it was. Asking is a call of the system.
static _Thread_local struct { double clock, processor; } known;

static double ask_for_processor_time(double now) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    const double before = known.processor;
    known.clock = now;
    known.processor = (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
    return known.processor - before;
}

/// Seconds of the caller's own pieces, without those in which it had no processor.
static double seconds_of_work(double begin, double end) {
    const double own = end - begin;
    if (own < long_work) return own;
    const double since = end - known.clock, away = since - ask_for_processor_time(end);
    return away < own ? own - (away > 0 ? away : 0) : 0;
}

/// Puts what a job's helpers have saved into the account. Of two callers at a time one may be forgotten.
static void settle(double now, double saved) {
    double credit = atomic_load_explicit(&pool.credit, memory_order_relaxed) + saved;
    double pause = atomic_load_explicit(&pool.pause, memory_order_relaxed);
    if (credit > most_credit) {
        credit = most_credit;
        pause = least_alone;
    } else if (credit < 0) {
        const double wanted = -credit / most_loss;
        atomic_store_explicit(&pool.alone, now + (wanted < pause ? wanted : pause), memory_order_relaxed);
        pause = 2 * pause < most_alone ? 2 * pause : most_alone;
        credit = 0;
    }
    atomic_store_explicit(&pool.pause, pause, memory_order_relaxed);
    atomic_store_explicit(&pool.credit, credit, memory_order_relaxed);
}

/// A job as its caller, and the members of a team, see it.
typedef struct party {
    slot *slot;
    size_t own; // claims of the caller
    double end; // when nothing was left for it
} party;

/// What each thread of the job does. The caller is inside already; a member of a team gets there now.
static void take_part(void *argument) {
    party *p = argument;
    const bool owner = is_inside;
    claim c = {0};
    size_t claims = 0;
    is_inside = true;
    for (; claim_next(p->slot, &c, owner); claims++) run_claimed(p->slot, &c);
    is_inside = owner;
    if (!owner) return;
    p->own += claims;
    p->end = weir__seconds();
}

bool weir__pool_run(size_t count, size_t threads, weir__piece_function *function, const void *context) {
    if (is_inside || threads < 2) return false;
    const double start = weir__seconds();
    if (start < atomic_load_explicit(&pool.alone, memory_order_relaxed)) return false;
    weir_team *const team = atomic_load_explicit(&pool.team, memory_order_relaxed);
    if (!team) have_helpers(threads - 1);
    if (!team && !atomic_load_explicit(&pool.helpers, memory_order_relaxed)) return false;
    slot *s = take_slot();
    if (!s) return false;
    if (start - known.clock > long_ago) ask_for_processor_time(start);
    post(s, count, threads - 1, function, context);
    const double begin = weir__seconds();
    party p = {.slot = s};
    is_inside = true;
    if (team) {
        team(take_part, &p, (unsigned)threads, 0);
    } else {
        take_part(&p);
    }
    is_inside = false;
    wait_for(s, p.end);
    const double now = weir__seconds(), part = (double)p.own / (double)count_of(s->ticket);
    if (team) atomic_store_explicit(&pool.team_worked, now, memory_order_relaxed);
    if (p.own) settle(now, seconds_of_work(begin, p.end) / part - (now - start));
    atomic_store_explicit(&s->taken, false, memory_order_release);
    return true;
}

void weir_team_use(weir_team *team) {
    be_prepared();
    atomic_store(&pool.team, team);
}

bool weir__pool_is_awake(void) {
    if (!atomic_load_explicit(&pool.team, memory_order_relaxed)) {
        return atomic_load_explicit(&pool.looking, memory_order_relaxed) > 0;
    }
    return weir__seconds() - atomic_load_explicit(&pool.team_worked, memory_order_relaxed) < team_spin;
}

size_t weir__pool_threads(void) { return atomic_load(&pool.helpers); }

void weir__pool_refuse(bool refuse) { atomic_store(&pool.refused, refuse); }
