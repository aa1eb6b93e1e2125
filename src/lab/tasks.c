// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

#include "tasks.h"

#include "../core/core.h"
#include "../core/parallel.h"

bool weir__work_done(weir__work *work, double amount) {
    pthread_mutex_lock(&work->lock);
    work->done += amount;
    const double share = work->done / work->total;
    const bool stopped = work->stopped;
    pthread_mutex_unlock(&work->lock);
    if (stopped || !work->progress || !pthread_equal(pthread_self(), work->caller)) return !stopped;
    if (work->progress(work->context, share < 1 ? share : 1) == 0) return true;
    pthread_mutex_lock(&work->lock);
    work->stopped = true;
    pthread_mutex_unlock(&work->lock);
    return false;
}

typedef struct tasks {
    weir__task *task;
    void *context;
    weir__work *work;
} tasks;

static void run(const void *context, weir__piece piece) {
    const tasks *all = context;
    if (weir__work_done(all->work, 0)) all->task(all->context, piece.index, all->work);
}

weir_status weir__tasks(size_t count, weir__task *task, void *context, weir__work *work, weir_error *error) {
    work->caller = pthread_self();
    pthread_mutex_init(&work->lock, NULL);
    weir__parallel(count, run, &(tasks){task, context, work});
    weir__work_done(work, 0); // the caller may have had little of the work, and has not been told of the rest
    pthread_mutex_destroy(&work->lock);
    return work->stopped ? weir__fail(error, WEIR_INTERRUPTED, "stopped; nothing is judged") : WEIR_OK;
}
