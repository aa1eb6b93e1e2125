// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file bench_peer.c
/// Runs a program of another library on the same case. It prints a JSON object per line, with "way" and the
/// milliseconds "forward_ms" and "train_ms".
#include "bench.h"

#include <errno.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/// The command line. A script of the user's own gets options beyond the common ones only where the case needs them.
static bool make_arguments(cli_list *a, const bench_peer_options *o, const bench_case *c, size_t repeats) {
    bool done = cli_list_add(a, "%s", o->python) && cli_list_add(a, "%s", o->script);
    if (c->inputs == c->outputs)
        done = done && cli_list_add(a, "--n=%zu", c->outputs);
    else
        done = done && cli_list_add(a, "--inputs=%zu", c->inputs) && cli_list_add(a, "--outputs=%zu", c->outputs);
    done = done && cli_list_add(a, "--block=%zu", c->block) && cli_list_add(a, "--share=%g", c->share) &&
           cli_list_add(a, "--batch=%zu", c->batch) && cli_list_add(a, "--repeats=%zu", repeats) &&
           cli_list_add(a, "--dtype=%s", c->precision == WEIR_BFLOAT16 ? "bfloat16" : "float32") &&
           cli_list_add(a, "--threads=%d", weir_threads());
    if (c->stack > 1) done = done && cli_list_add(a, "--stack=%zu", c->stack);
    if (c->two_sided) done = done && cli_list_add(a, "--sides=two");
    if (o->own && c->cold) done = done && cli_list_add(a, "--cold");
    if (o->own && !(c->passes & BENCH_TRAIN)) done = done && cli_list_add(a, "--forward-only");
    return done;
}

static int start(char **arguments, int ends[2], pid_t *child) {
    posix_spawn_file_actions_t actions;
    int reason = posix_spawn_file_actions_init(&actions);
    if (reason != 0) return reason;
    reason = posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    if (reason == 0) reason = posix_spawn_file_actions_addclose(&actions, ends[0]);
    if (reason == 0) reason = posix_spawn_file_actions_addclose(&actions, ends[1]);
    if (reason == 0) reason = posix_spawnp(child, arguments[0], &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return reason;
}

static double number(const json_t *line, const char *name) {
    const json_t *value = json_object_get(line, name);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

/// One line of the peer; others than JSON objects with a way are remarks.
static void take_line(const char *text, bench_peer *result) {
    json_t *line = json_loads(text, 0, NULL);
    const char *name = json_string_value(json_object_get(line, "way"));
    if (name != NULL && result->count < BENCH_WAYS) {
        struct bench_way *way = &result->ways[result->count++];
        double forward = number(line, "forward_ms"), train = number(line, "train_ms");
        snprintf(way->name, sizeof way->name, "%s", name);
        way->times = (bench_times){forward, train - forward, train};
    }
    json_decref(line);
}

static void read_lines(int file, bench_peer *result) {
    char *line = NULL;
    size_t size = 0;
    FILE *stream = fdopen(file, "r");
    if (stream == NULL) {
        close(file);
        return;
    }
    while (getline(&line, &size, stream) > 0) take_line(line, result);
    free(line);
    fclose(stream);
}

int bench_peer_run(const bench_peer_options *options, const bench_case *c, size_t repeats, bench_peer *result) {
    cli_list arguments = {0};
    int ends[2] = {-1, -1}, reason = 0, ended = 0;
    pid_t child = -1;
    result->count = 0;
    char **words = NULL;
    if (make_arguments(&arguments, options, c, repeats)) words = calloc(arguments.count + 1, sizeof *words);
    if (words == NULL || pipe(ends) != 0) {
        cli_list_free(&arguments);
        free(words);
        return cli_error("cannot start the peer: %s", strerror(errno));
    }
    memcpy(words, arguments.items, arguments.count * sizeof *words);
    cli_flush();
    reason = start(words, ends, &child);
    close(ends[1]);
    if (reason == 0)
        read_lines(ends[0], result);
    else
        close(ends[0]);
    while (reason == 0 && waitpid(child, &ended, 0) < 0 && errno == EINTR) continue;
    cli_list_free(&arguments);
    free(words);
    if (reason != 0)
        return cli_error("cannot start %s: %s; --python names the interpreter", options->python, strerror(reason));
    if (!WIFEXITED(ended) || WEXITSTATUS(ended) != 0 || result->count == 0)
        return cli_error("%s %s failed%s; --python names an interpreter that has what the script needs",
                         options->python, options->script,
                         result->count == 0 ? " to print a JSON line with \"way\"" : "");
    return CLI_OK;
}

void bench_peer_median(const bench_peer *rounds, size_t count, bench_peer *result) {
    enum { MOST_ROUNDS = 16 };
    *result = rounds[0];
    if (count > MOST_ROUNDS) count = MOST_ROUNDS;
    for (size_t w = 0; w < result->count; w++) {
        double forward[MOST_ROUNDS], train[MOST_ROUNDS];
        for (size_t k = 0; k < count; k++) {
            forward[k] = rounds[k].ways[w].times.forward;
            train[k] = rounds[k].ways[w].times.train;
        }
        bench_times *t = &result->ways[w].times;
        t->forward = weir_median(forward, count);
        t->train = weir_median(train, count);
        t->backward = t->train - t->forward;
    }
}
