// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file jobs.c
/// The trainings of an experiment: each is `weir train` in a process of its own, with its share of the threads, its
/// output in train.log. How far they are is read from their metrics.jsonl.
///
/// Each process has a process group of its own, so that Ctrl-C on the terminal reaches this one alone, which passes it
/// on once: a second signal would kill. They also end, in order, when this process is killed.
#include "plan.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// One training.

static bool add_arguments(const experiment_plan *plan, const experiment_run *run, cli_list *list) {
    cli_list settings = {0};
    size_t each = plan->threads / plan->jobs;
    bool done = cli_list_add(list, "weir") && cli_list_add(list, "train") && cli_list_add(list, "%s", run->row->config);
    done = done && cli_list_add(list, "--out=%s", run->folder);
    done = done && cli_list_add(list, "--threads=%zu", each > 0 ? each : 1) && experiment_settings(plan, run, &settings);
    for (size_t i = 0; i < settings.count; i++) done = done && cli_list_add(list, "--set=%s", settings.items[i]);
    if (plan->tensorboard) done = done && cli_list_add(list, "--tensorboard");
    if (run->begun) done = done && cli_list_add(list, "--resume");
    cli_list_free(&settings);
    return done;
}

/// In the child, between fork and exec: system calls alone.
static void become(char **arguments, int log, int nothing, pid_t parent) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    signal(SIGPIPE, SIG_DFL);
    if (getppid() == parent && dup2(nothing, STDIN_FILENO) >= 0 && dup2(log, STDOUT_FILENO) >= 0 &&
        dup2(log, STDERR_FILENO) >= 0)
        execv("/proc/self/exe", arguments);
    _exit(126);
}

static int start(const experiment_plan *plan, experiment_run *run) {
    if (cli_folder_make(run->folder) != CLI_OK) return CLI_FAILED;
    char *path = cli_path(run->folder, "train.log");
    cli_list list = {0};
    int status = path == NULL ? CLI_FAILED : CLI_OK;
    if (status == CLI_OK && !add_arguments(plan, run, &list)) status = cli_error("out of memory");
    char **arguments = status == CLI_OK ? calloc(list.count + 1, sizeof *arguments) : NULL;
    if (status == CLI_OK && arguments == NULL) status = cli_error("out of memory");
    for (size_t i = 0; i < list.count && status == CLI_OK; i++) arguments[i] = list.items[i];
    int log = status == CLI_OK ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666) : -1;
    int nothing = status == CLI_OK ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -1;
    if (status == CLI_OK && log < 0) status = cli_error("cannot write %s: %s", path, strerror(errno));
    if (status == CLI_OK) {
        pid_t parent = getpid();
        cli_flush();
        run->process = fork();
        if (run->process == 0) become(arguments, log, nothing, parent);
        if (run->process < 0) status = cli_error("cannot start a training: %s", strerror(errno));
    }
    if (status == CLI_OK) {
        setpgid(run->process, run->process); // both sides, so that it holds whoever comes first
        run->state = EXPERIMENT_RUNNING;
        run->latest = cli_clock();
    }
    if (log >= 0) close(log);
    if (nothing >= 0) close(nothing);
    free(arguments);
    cli_list_free(&list);
    free(path);
    return status;
}

// How far it is.

/// Reads metrics.jsonl anew when it has grown. lines (or NULL) receives the epochs that are new.
static void read_progress(experiment_run *run, json_t *lines) {
    char *path = cli_path(run->folder, "metrics.jsonl"), *line = NULL;
    struct stat facts;
    FILE *file = path != NULL && stat(path, &facts) == 0 && facts.st_size != run->seen ? fopen(path, "r") : NULL;
    free(path);
    if (file == NULL) return;
    size_t size = 0, count = 0;
    double seconds = 0;
    while (getline(&line, &size, file) > 0) {
        json_t *value = json_loads(line, 0, NULL);
        if (!json_is_object(value)) { // not yet written to its end
            json_decref(value);
            break;
        }
        seconds += json_number_value(json_object_get(value, "seconds"));
        if (count >= run->done) json_array_append(lines, value);
        json_decref(value);
        count++;
    }
    free(line);
    fclose(file);
    if (count > run->done) run->latest = cli_clock();
    run->seen = facts.st_size;
    run->done = count;
    if (count > 0) run->mean_epoch = seconds / (double)count;
}

/// Seconds that an epoch of the row takes: of its own runs, else of all; 0: nothing is known.
static double epoch_seconds(const experiment_plan *plan, const experiment_row *row) {
    double own = 0, all = 0, own_epochs = 0, all_epochs = 0;
    for (size_t i = 0; i < plan->run_count; i++) {
        const experiment_run *run = &plan->runs[i];
        if (!(run->mean_epoch > 0)) continue;
        all += run->mean_epoch * (double)run->done;
        all_epochs += (double)run->done;
        if (run->row != row) continue;
        own += run->mean_epoch * (double)run->done;
        own_epochs += (double)run->done;
    }
    return own_epochs > 0 ? own / own_epochs : all_epochs > 0 ? all / all_epochs : 0;
}

/// Share of all work that is done, and seconds that the rest takes; −1: not known yet.
static double overall(const experiment_plan *plan, double *left) {
    double whole = 0, rest = 0, now = cli_clock();
    *left = -1;
    for (size_t i = 0; i < plan->run_count; i++) {
        const experiment_run *run = &plan->runs[i];
        if (run->state == EXPERIMENT_SHARED) continue;
        double each = epoch_seconds(plan, run->row);
        double open = run->state == EXPERIMENT_DONE ? 0 : (double)run->epochs - (double)run->done;
        double begun = run->state == EXPERIMENT_RUNNING && each > 0 ? fmin((now - run->latest) / each, 1) : 0;
        if (each <= 0) each = 1;
        whole += each * (double)run->epochs;
        rest += each * fmax(open - begun, 0);
    }
    for (size_t i = 0; i < plan->run_count; i++)
        if (plan->runs[i].mean_epoch > 0) *left = rest / (double)plan->jobs;
    return whole > 0 ? 1 - rest / whole : 1;
}

static size_t count_state(const experiment_plan *plan, experiment_state state) {
    size_t count = 0;
    for (size_t i = 0; i < plan->run_count; i++) count += plan->runs[i].state == state;
    return count;
}

static void show_bar(const experiment_plan *plan, cli_bar *bar) {
    char left[160] = "", right[64];
    size_t running = 0;
    double seconds, fraction = overall(plan, &seconds);
    for (size_t i = 0; i < plan->run_count; i++) {
        const experiment_run *run = &plan->runs[i];
        if (run->state != EXPERIMENT_RUNNING) continue;
        size_t used = strlen(left);
        if (running++ < 2)
            snprintf(left + used, sizeof left - used, "%s%s/%zu %zu/%zu", used > 0 ? ", " : "", run->row->name,
                     run->seed, run->done + 1 < run->epochs ? run->done + 1 : run->epochs, run->epochs);
    }
    snprintf(right, sizeof right, "%zu of %zu runs", count_state(plan, EXPERIMENT_DONE),
             plan->run_count - count_state(plan, EXPERIMENT_SHARED));
    cli_bar_show(bar, fraction, seconds, left, right);
}

static FILE *messages_of(const experiment_plan *plan) { return plan->messages != NULL ? plan->messages : stdout; }

/// A line per epoch, where there is no bar.
static void tell_epoch(const experiment_plan *plan, const experiment_run *run, const json_t *line) {
    double seconds;
    char time[CLI_NUMBER];
    overall(plan, &seconds);
    char valid[48];
    if (isfinite(experiment_field(line, "valid_nll")))
        snprintf(valid, sizeof valid, "%8.4f nats", experiment_field(line, "valid_nll"));
    else if (isfinite(experiment_field(line, "valid_rmse")))
        snprintf(valid, sizeof valid, "rmse %.4g", experiment_field(line, "valid_rmse"));
    else
        snprintf(valid, sizeof valid, "%5.2f %%  share %.3f", 100 * experiment_field(line, "valid_error"),
                 experiment_field(line, "valid_share"));
    fprintf(messages_of(plan), "%-22s %3.0f/%-3zu  loss %8.4f  valid %s  %5.1f s  %s left\n", run->row->name,
            experiment_field(line, "epoch"), run->epochs, experiment_field(line, "train_loss"), valid,
            experiment_field(line, "seconds"), cli_duration(time, seconds));
    cli_flush();
}

static void tell_end(const experiment_plan *plan, const experiment_run *run) {
    FILE *out = messages_of(plan);
    json_t *result = experiment_result(run);
    cli_line_clear();
    fprintf(out, "%s/%zu: best epoch %lld, ", run->row->name, run->seed,
            (long long)json_integer_value(json_object_get(result, "best_epoch")));
    if (isfinite(experiment_field(result, "test_nll")))
        fprintf(out, "valid %.2f nats, test %.2f nats of %lld draws\n", experiment_field(result, "valid_nll"),
                experiment_field(result, "test_nll"), (long long)json_integer_value(json_object_get(result, "samples")));
    else if (isfinite(experiment_field(result, "test_rmse")))
        fprintf(out, "valid rmse %.4g, test rmse %.4g\n", experiment_field(result, "valid_rmse"),
                experiment_field(result, "test_rmse"));
    else
        fprintf(out, "valid %.2f %%, test %.2f %%, share %.4f\n", 100 * experiment_field(result, "valid_error"),
                100 * experiment_field(result, "test_error"), experiment_field(result, "share"));
    cli_flush();
    json_decref(result);
}

// ---- all trainings -------------------------------------------------------------------------------------------------

static int ended_badly(const experiment_run *run) {
    return cli_error("the training %s has failed; the reason is at the end of %s/train.log", run->folder, run->folder);
}

/// Has the process ended? Then its run is done, or CLI_FAILED.
static int collect(experiment_run *run, bool *ended) {
    int result = 0;
    pid_t who = waitpid(run->process, &result, WNOHANG);
    *ended = who == run->process || (who < 0 && errno != EINTR);
    if (!*ended) return CLI_OK;
    run->process = 0;
    run->begun = true;
    run->state = EXPERIMENT_WAITING;
    if (who < 0 || !WIFEXITED(result) || WEXITSTATUS(result) != 0) return CLI_FAILED;
    run->state = EXPERIMENT_DONE;
    return CLI_OK;
}

static void stop_all(const experiment_plan *plan) {
    for (size_t i = 0; i < plan->run_count; i++)
        if (plan->runs[i].state == EXPERIMENT_RUNNING) kill(plan->runs[i].process, SIGTERM);
    for (size_t i = 0; i < plan->run_count; i++) {
        experiment_run *run = &plan->runs[i];
        while (run->state == EXPERIMENT_RUNNING && waitpid(run->process, NULL, 0) < 0 && errno == EINTR) continue;
        if (run->state == EXPERIMENT_RUNNING) run->state = EXPERIMENT_WAITING;
    }
}

static int look_after(experiment_plan *plan, experiment_run *run, bool live) {
    json_t *lines = json_array();
    bool ended = false;
    int status = collect(run, &ended);
    read_progress(run, lines);
    for (size_t i = 0; i < json_array_size(lines) && !live; i++) tell_epoch(plan, run, json_array_get(lines, i));
    json_decref(lines);
    if (status == CLI_OK && ended) tell_end(plan, run);
    return status == CLI_OK || cli_interrupted() ? CLI_OK : ended_badly(run);
}

static int start_next(experiment_plan *plan, size_t running) {
    for (size_t i = 0; i < plan->run_count && running < plan->jobs; i++) {
        if (plan->runs[i].state != EXPERIMENT_WAITING) continue;
        if (start(plan, &plan->runs[i]) != CLI_OK) return CLI_FAILED;
        running++;
    }
    return CLI_OK;
}

int experiment_train(experiment_plan *plan) {
    const struct timespec pause = {.tv_nsec = 100 * 1000 * 1000};
    size_t trainings = plan->run_count - count_state(plan, EXPERIMENT_SHARED);
    cli_bar bar;
    cli_bar_begin(&bar);
    int status = CLI_OK;
    for (size_t i = 0; i < plan->run_count; i++)
        if (plan->runs[i].begun) read_progress(&plan->runs[i], NULL); // what earlier calls did
    if (count_state(plan, EXPERIMENT_DONE) > 0)
        fprintf(messages_of(plan), "%zu of %zu runs are finished already\n", count_state(plan, EXPERIMENT_DONE), trainings);
    while (status == CLI_OK && !cli_interrupted() && count_state(plan, EXPERIMENT_DONE) < trainings) {
        status = start_next(plan, count_state(plan, EXPERIMENT_RUNNING));
        show_bar(plan, &bar);
        nanosleep(&pause, NULL);
        for (size_t i = 0; i < plan->run_count && status == CLI_OK; i++)
            if (plan->runs[i].state == EXPERIMENT_RUNNING) status = look_after(plan, &plan->runs[i], bar.live);
    }
    stop_all(plan);
    cli_bar_clear(&bar);
    if (status == CLI_OK && count_state(plan, EXPERIMENT_DONE) < trainings)
        return cli_error("interrupted; to go on: the same command with --resume");
    return status;
}
