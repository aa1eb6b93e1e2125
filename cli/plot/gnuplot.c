// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file gnuplot.c
/// Starts gnuplot without a shell, feeds it a script, and looks whether the figures are there: it ends with success
/// also where a disk was full.
#include "draw.h"

#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int start(pid_t *child, int ends[2]) {
    char name[] = "gnuplot", own[] = "-d", input[] = "-"; // -d: without the user's own settings
    char *arguments[] = {name, own, input, NULL};
    posix_spawn_file_actions_t actions;
    int reason = posix_spawn_file_actions_init(&actions);
    if (reason != 0) return reason;
    reason = posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
    if (reason == 0) reason = posix_spawn_file_actions_addclose(&actions, ends[1]);
    if (reason == 0) reason = posix_spawnp(child, name, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return reason;
}

int draw_gnuplot(const char *script, bool *missing) {
    int ends[2] = {-1, -1}, result = 0;
    pid_t child = -1;
    *missing = false;
    if (pipe(ends) != 0) return cli_error("cannot start gnuplot: %s", strerror(errno));
    int reason = start(&child, ends);
    close(ends[0]);
    if (reason != 0) {
        close(ends[1]);
        *missing = reason == ENOENT;
        return *missing ? CLI_FAILED : cli_error("cannot start gnuplot: %s", strerror(reason));
    }
    for (size_t left = strlen(script); left > 0;) {
        ssize_t done = write(ends[1], script, left);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) break; // it has ended; its exit status tells
        script += done;
        left -= (size_t)done;
    }
    close(ends[1]);
    while (waitpid(child, &result, 0) < 0 && errno == EINTR) continue;
    if (WIFEXITED(result) && WEXITSTATUS(result) == 127) *missing = true;
    if (*missing) return CLI_FAILED;
    if (!WIFEXITED(result) || WEXITSTATUS(result) != 0) return cli_error("gnuplot failed; its own message is above");
    return CLI_OK;
}

/// Does the file end as its format does.
static bool is_whole(const char *path) {
    char tail[16] = "";
    FILE *file = fopen(path, "rb");
    if (file == NULL) return false;
    const bool read = fseek(file, -(long)(sizeof tail - 1), SEEK_END) == 0;
    const size_t count = read ? fread(tail, 1, sizeof tail - 1, file) : 0;
    fclose(file);
    for (size_t i = 0; i < count; i++)
        if (strncmp(tail + i, "</svg>", 6) == 0 || strncmp(tail + i, "IEND", 4) == 0) return true;
    return false;
}

static int fail_missing(void) {
    return cli_error("figures need gnuplot, which is not installed (apt-get install gnuplot-nox)");
}

int draw_possible(const char *folder) {
    bool missing = false;
    if (cli_folder_make(folder) != CLI_OK) return CLI_FAILED;
    int status = draw_gnuplot("", &missing);
    return missing ? fail_missing() : status;
}

int draw_files(const char *script, const cli_list *written) {
    bool missing = false;
    int status = written->count > 0 ? draw_gnuplot(script, &missing) : CLI_OK;
    if (missing) return fail_missing();
    for (size_t i = 0; i < written->count && status == CLI_OK; i++)
        if (!is_whole(written->items[i]))
            status = cli_error("%s: gnuplot has not written all of it; is the disk full?", written->items[i]);
    return status;
}
