// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file lock.h
/// A folder that one writer has for itself.
#ifndef WEIR_LOCK_H
#define WEIR_LOCK_H

#include "core.h"

/// Zero-initialise; give back with weir__lock_release.
typedef struct weir__lock {
    char *path; // NULL: nothing is held
    int file;
} weir__lock;

/// Locks a folder by the file ".lock" in it, which names the process. The kernel gives the lock back when the process
/// ends, however it ends. Temporary files that a killed writer has left there are removed. WEIR_IO, with folder and process, when another lock holds it, in this process or another.
/// Where the file cannot be made or the file system knows no locks, nothing is held and nothing fails.
weir_status weir__lock_take(weir__lock *lock, const char *folder, weir_error *error);
void weir__lock_release(weir__lock *lock);

#endif
