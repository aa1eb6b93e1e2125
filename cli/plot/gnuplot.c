// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file gnuplot.c
/// Starts gnuplot without a shell and feeds it a script.
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
    if (!WIFEXITED(result) || WEXITSTATUS(result) != 0) return cli_error("gnuplot failed; use --text instead");
    return CLI_OK;
}
