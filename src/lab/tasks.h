// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file tasks.h
/// Work of the laboratory that is shared among threads: tasks of their own, and one progress for all of them.
#ifndef WEIR_TASKS_H
#define WEIR_TASKS_H

#include <pthread.h>

#include <weir/lab.h>

/// How far all tasks together are.
typedef struct weir__work {
    double done, total; ///< in any unit
    weir_lab_progress progress;
    void *context;
    bool stopped;
    pthread_t caller;
    pthread_mutex_t lock; ///< of done and stopped
} weir__work;

typedef void weir__task(void *context, size_t index, weir__work *work);

/// Runs all tasks, in parallel and in any order; those that have not begun when the caller stops are left out.
/// WEIR_INTERRUPTED when it did.
weir_status weir__tasks(size_t count, weir__task *task, void *context, weir__work *work, weir_error *error);
/// Tells that so much more is done. False: stop.
bool weir__work_done(weir__work *work, double amount);

#endif
