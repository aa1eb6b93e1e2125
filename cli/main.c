// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file main.c
/// The table of commands, and what is done before and after each of them.
#include "base/cli.h"

#include <locale.h>
#include <signal.h>
#include <string.h>

static const cli_command *const commands[] = {&cli_train,   &cli_eval,  &cli_predict, &cli_inspect, &cli_units,
                                              &cli_gate,    &cli_sae,   &cli_plot,    &cli_fetch,   &cli_reproduce,
                                              &cli_compare, &cli_bench, &cli_estimate};

const cli_command *cli_command_at(size_t index) { return index < CLI_COUNT_OF(commands) ? commands[index] : NULL; }

static const cli_command *find_command(const char *name) {
    for (size_t i = 0; i < CLI_COUNT_OF(commands); i++)
        if (strcmp(commands[i]->name, name) == 0) return commands[i];
    return NULL;
}

static int unknown_command(const char *name) {
    const char *names[CLI_COUNT_OF(commands) + 1];
    for (size_t i = 0; i < CLI_COUNT_OF(commands); i++) names[i] = commands[i]->name;
    names[CLI_COUNT_OF(commands)] = "help";
    return cli_usage(NULL, "unknown command '%s'%s", name, weir_suggest(name, names, CLI_COUNT_OF(names)).text);
}

static void general_help(FILE *out) {
    fprintf(out, "usage: weir COMMAND [options]\n\n");
    cli_wrap(
        out, 0,
        "Neural networks with stochastic neurons and conditional computation: gates that are exactly 0 for most of "
        "a network on any one example, and kernels that then skip that work, in training as in use.");
    fprintf(out, "\n%sCommands:%s\n", cli_bold(out), cli_plain(out));
    for (size_t i = 0; i < CLI_COUNT_OF(commands); i++)
        fprintf(out, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(out,
            "  %-9s %s\n\n"
            "%sOptions:%s\n"
            "  --help     this text\n"
            "  --version  the version\n\n"
            "%sFirst steps:%s\n"
            "  weir train digits              needs no data set and takes seconds\n"
            "  weir eval runs/digits\n"
            "  weir plot runs/digits --text\n\n"
            "Environment: OMP_NUM_THREADS (threads), WEIR_ISA (instruction set), NO_COLOR.\n"
            "Exit status: 0 done, 1 failed, 2 wrong usage.\n",
            "help", "what a command does: weir help COMMAND; of CONFIG: weir help settings", cli_bold(out),
            cli_plain(out), cli_bold(out), cli_plain(out));
}

static int show_help(const char *name) {
    if (name == NULL) {
        general_help(stdout);
        return cli_finish(CLI_OK);
    }
    if (strcmp(name, "settings") == 0) {
        cli_settings(stdout);
        return cli_finish(CLI_OK);
    }
    const cli_command *command = find_command(name);
    if (command == NULL) return unknown_command(name);
    if (command->prepare != NULL) command->prepare();
    cli_help(command, stdout);
    return cli_finish(CLI_OK);
}

static int run_command(const cli_command *command, int argc, char **argv) {
    char **operands = NULL;
    size_t count = 0;
    if (command->prepare != NULL) command->prepare();
    int status = cli_parse(command, argc, argv, &operands, &count);
    if (status < 0) return show_help(command->name);
    if (status == CLI_OK) status = cli_check_environment();
    if (status != CLI_OK) return status;
    return cli_finish(command->run(operands, count));
}

int main(int argc, char **argv) {
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN); // a reader that goes away must not end a training run; writes fail with EPIPE instead
    signal(SIGXFSZ, SIG_IGN); // nor a limit on the size of files: they fail with EFBIG, and what was there is kept
    // Not flushed on its own between two calls of cli_flush, which keeps the reason of a failure.
    static char buffer[1 << 20];
    if (!cli_is_terminal(stdout)) setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    if (argc < 2) {
        general_help(stderr);
        return CLI_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) return show_help(NULL);
    if (strcmp(name, "help") == 0) {
        if (argc == 4 && strcmp(argv[2], "settings") == 0 && strcmp(argv[3], "--markdown") == 0) {
            cli_settings_page(stdout);
            return cli_finish(CLI_OK);
        }
        if (argc > 3) return cli_usage(NULL, "help takes one command");
        if (argc == 3 && (strcmp(argv[2], "help") == 0 || strcmp(argv[2], "--help") == 0)) return show_help(NULL);
        return show_help(argc == 3 ? argv[2] : NULL);
    }
    if (strcmp(name, "--version") == 0) {
        printf("weir %s\n", weir_version());
        return cli_finish(CLI_OK);
    }
    if (name[0] == '-') return cli_usage(NULL, "unknown option '%s'; options of a command follow its name", name);
    const cli_command *command = find_command(name);
    return command == NULL ? unknown_command(name) : run_command(command, argc - 1, argv + 1);
}
