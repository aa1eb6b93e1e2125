// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file estimate_throughput.c
/// `weir estimate throughput`: rows per second of weir_estimate, beside the same estimators in another program.
///
/// 200 units, batches of 100 rows, the mean of (h − 0.499)²; with --peer the two take turns, and the ratio is that of
/// their medians. The peer prints a JSON object per line with "rule" and "rows_per_second".
#include "estimate.h"

#include <errno.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { UNITS = 200, ROWS = 100, ROUNDS = 3, SAMPLES = 7 };
static const char default_rules[] =
    "reinforce:baseline=none,rloo,arm,disarm,double-cv,rebar:tune=none,straight-through:derivative=sigmoid,half,"
    "st-gumbel";

typedef struct speed {
    double own[ROUNDS], peer[ROUNDS];
    size_t peers;
} speed;

static weir_status measure(double *rows_per_second, const weir_unit *unit, weir_error *error) {
    double target = WEIR_LAB_TARGET, samples[SAMPLES] = {0};
    float *logits = calloc(2 * ROWS * UNITS, sizeof *logits), *gradient = logits + ROWS * UNITS;
    weir_estimator *estimator = NULL;
    weir_status status = logits == NULL ? WEIR_MEMORY : WEIR_OK;
    if (status == WEIR_OK) status = weir_estimator_create(&estimator, unit, UNITS, ROWS, 1, error);
    if (status == WEIR_OK) weir_estimator_split_set(estimator, true);
    for (size_t s = 0; s < SAMPLES && status == WEIR_OK; s++) {
        const double started = cli_clock();
        size_t calls = 0;
        do {
            for (size_t k = 0; k < 50 && status == WEIR_OK; k++, calls++)
                status = weir_estimate(estimator, gradient, NULL, logits, ROWS, weir_problem_quadratic, &target, error);
        } while (cli_clock() - started < 0.04 && status == WEIR_OK);
        samples[s] = (double)(calls * ROWS) / (cli_clock() - started);
    }
    *rows_per_second = weir_median(samples, SAMPLES);
    weir_estimator_free(estimator);
    free(logits);
    return status;
}

/// One line of the peer; others than JSON objects with a rule are remarks.
static void take_line(const char *text, const lab_rules *rules, speed *speeds, size_t round) {
    json_t *line = json_loads(text, 0, NULL);
    const char *name = json_string_value(json_object_get(line, "rule"));
    const json_t *value = json_object_get(line, "rows_per_second");
    for (size_t k = 0; name != NULL && json_is_number(value) && k < rules->count; k++) {
        if (strcmp(rules->texts[k], name) != 0 || speeds[k].peers > round) continue;
        speeds[k].peer[speeds[k].peers++] = json_number_value(value);
    }
    json_decref(line);
}

static int run_peer(const lab_options *o, const lab_rules *rules, speed *speeds, size_t round) {
    char threads[CLI_NUMBER], *line = NULL;
    int ends[2], ended = 0;
    size_t size = 0;
    pid_t child = -1;
    snprintf(threads, sizeof threads, "--threads=%d", weir_threads());
    char *arguments[] = {(char *)(uintptr_t)o->python, (char *)(uintptr_t)o->peer, threads, NULL};
    if (pipe(ends) != 0) return cli_error("cannot start the peer: %s", strerror(errno));
    posix_spawn_file_actions_t actions;
    int reason = posix_spawn_file_actions_init(&actions);
    if (reason == 0) reason = posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    if (reason == 0) reason = posix_spawn_file_actions_addclose(&actions, ends[0]);
    if (reason == 0) reason = posix_spawnp(&child, o->python, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    FILE *stream = fdopen(ends[0], "r");
    while (stream != NULL && reason == 0 && getline(&line, &size, stream) > 0) take_line(line, rules, speeds, round);
    free(line);
    if (stream != NULL) fclose(stream);
    while (reason == 0 && waitpid(child, &ended, 0) < 0 && errno == EINTR) continue;
    if (reason != 0)
        return cli_error("cannot start %s: %s; --python names the interpreter", o->python, strerror(reason));
    if (!WIFEXITED(ended) || WEXITSTATUS(ended) != 0)
        return cli_error("%s %s failed; --python names an interpreter that has PyTorch", o->python, o->peer);
    return CLI_OK;
}

static void print_json(const char *rule, speed *s) {
    const double own = weir_median(s->own, ROUNDS), peer = weir_median(s->peer, s->peers);
    json_t *line = json_pack("{s:s, s:i, s:i, s:i, s:f, s:o, s:o}", "rule", rule, "units", UNITS, "rows", ROWS,
                             "threads", weir_threads(), "rows_per_second", own, "peer_rows_per_second",
                             isnan(peer) ? json_null() : json_real(peer), "ratio",
                             isnan(peer) ? json_null() : json_real(own / peer));
    lab_print_line(line);
}

static void print_table(const lab_rules *rules, speed *speeds) {
    cli_table table = {.align = "lrrr"};
    char own[CLI_NUMBER], peer[CLI_NUMBER], ratio[CLI_NUMBER];
    printf("%d units, batches of %d rows, mean of (h - %g)^2, %d threads: rows per second\n\n", UNITS, ROWS,
           WEIR_LAB_TARGET, weir_threads());
    cli_table_add(&table, "rule\tweir\tpeer\tratio");
    for (size_t k = 0; k < rules->count; k++) {
        const double one = weir_median(speeds[k].own, ROUNDS), other = weir_median(speeds[k].peer, speeds[k].peers);
        cli_thousands(own, (uint64_t)one);
        peer[0] = ratio[0] = '\0';
        if (!isnan(other)) {
            cli_thousands(peer, (uint64_t)other);
            snprintf(ratio, sizeof ratio, "%.1f", one / other);
        }
        cli_table_add(&table, "%s\t%s\t%s\t%s", rules->texts[k], own, peer, ratio);
    }
    cli_table_print(&table, stdout);
}

int lab_throughput(const lab_options *options) {
    lab_rules rules;
    weir_error error = {0};
    int status = lab_rules_read(&rules, options->rules != NULL ? options->rules : default_rules, true);
    speed *speeds = calloc(rules.count + 1, sizeof *speeds);
    if (speeds == NULL) status = cli_error("out of memory");
    for (size_t round = 0; round < ROUNDS && status == CLI_OK; round++) {
        for (size_t k = 0; k < rules.count && status == CLI_OK; k++)
            if (measure(&speeds[k].own[round], &rules.units[k], &error) != WEIR_OK) status = cli_weir_error(&error);
        if (status == CLI_OK && options->peer != NULL) status = run_peer(options, &rules, speeds, round);
        if (status == CLI_OK && cli_interrupted()) status = cli_error("stopped");
    }
    for (size_t k = 0; status == CLI_OK && options->json && k < rules.count; k++)
        print_json(rules.texts[k], &speeds[k]);
    if (status == CLI_OK && !options->json) print_table(&rules, speeds);
    lab_rules_free(&rules);
    free(speeds);
    return status;
}
