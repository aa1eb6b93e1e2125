// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Locks by flock(2): they belong to the open file, so that two writers in one process exclude each other, too, and they
// end with the process. The file is removed by who holds it; whoever has locked a file that is no longer the one in the
// folder tries again.

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lock.h"

static bool is_still_there(int file, const char *path) {
    struct stat locked, named;
    return fstat(file, &locked) == 0 && stat(path, &named) == 0 && locked.st_ino == named.st_ino &&
           locked.st_dev == named.st_dev;
}

static void write_process(int file) {
    char text[32];
    const int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(file, 0) != 0 || pwrite(file, text, (size_t)length, 0) != length) return; // only a remark is lost
}

static weir_status fail_held(int file, const char *folder, weir_error *error) {
    char process[32] = "";
    const ssize_t length = pread(file, process, sizeof process - 1, 0);
    process[length > 0 ? strcspn(process, "\n") : 0] = 0;
    return weir__fail(error, WEIR_IO,
                      "%s: another training writes there now%s%s%s; wait until it has ended, or choose another folder",
                      folder, *process ? " (process " : "", process, *process ? ")" : "");
}

weir_status weir__lock_take(weir__lock *lock, const char *folder, weir_error *error) {
    weir_status status = WEIR_OK;
    const size_t room = strlen(folder) + sizeof "/.lock";
    char *path = NULL;
    int file = -1;
    TRY(weir__new(&path, room, 1, "the name of a lock", error));
    snprintf(path, room, "%s/.lock", folder);
    for (bool locked = false; !locked;) {
        file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (file < 0) goto done;
        if (flock(file, LOCK_EX | LOCK_NB) != 0) {
            if (errno == EWOULDBLOCK) status = fail_held(file, folder, error);
            goto done;
        }
        locked = is_still_there(file, path);
        if (!locked) close(file);
    }
    write_process(file);
    weir__file_sweep(folder);
    *lock = (weir__lock){.path = path, .file = file};
    path = NULL;
    file = -1;
done:
    if (file >= 0) close(file);
    weir__free(path);
    return status;
}

void weir__lock_release(weir__lock *lock) {
    if (!lock->path) return;
    unlink(lock->path);
    close(lock->file);
    weir__free(lock->path);
    *lock = (weir__lock){0};
}
