// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file options.c
/// One table per command drives parsing (getopt_long), the help with its defaults, and the usage errors.
#include "cli.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// Parsing.

static bool whole_number(const char *text, unsigned long long *number) {
    char *end = NULL;
    errno = 0;
    if (!isdigit((unsigned char)text[0])) return false;
    *number = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0';
}

bool cli_number(const char *text, double *number) {
    char *end = NULL;
    *number = strtod(text, &end);
    return end != text && *end == '\0' && !isspace((unsigned char)text[0]);
}

static bool in_range(const char *range, double number) {
    char *greatest = NULL;
    const double least = strtod(range, &greatest);
    return number >= least && number <= strtod(greatest + 1, NULL);
}

static bool is_choice(const char *choices, const char *text) {
    size_t length = strlen(text);
    for (const char *word = choices; length > 0 && word != NULL;) {
        size_t span = strcspn(word, "|");
        if (span == length && strncmp(word, text, span) == 0) return true;
        word = word[span] == '|' ? word + span + 1 : NULL;
    }
    return false;
}

static int collect(cli_list *list, const char *key, const char *text) {
    bool done = key == NULL ? cli_list_add(list, "%s", text) : cli_list_add(list, "%s=%s", key, text);
    return done ? CLI_OK : cli_error("out of memory");
}

static int empty_value(const cli_command *command, const cli_option *option) {
    return cli_usage(command->name, "--%s %s is empty; was a variable of the shell not set?", option->name,
                     option->argument);
}

static int take(const cli_command *command, const cli_option *option, char *text) {
    unsigned long long number = 0;
    switch (option->kind) {
    case CLI_FLAG:
        *(bool *)option->value = true;
        return CLI_OK;
    case CLI_TEXT:
        if (text[0] == '\0') return empty_value(command, option);
        *(const char **)option->value = text;
        return CLI_OK;
    case CLI_FILE:
        *(const char **)option->value = text == NULL ? "" : text;
        return CLI_OK;
    case CLI_COUNT:
        if (!whole_number(text, &number) || number == 0 || number > SIZE_MAX / 4)
            return cli_usage(command->name, "--%s needs a whole number of at least 1, not '%s'", option->name, text);
        *(size_t *)option->value = (size_t)number;
        return CLI_OK;
    case CLI_INDEX:
        if (!whole_number(text, &number) || number > INT_MAX)
            return cli_usage(command->name, "--%s needs a whole number, not '%s'", option->name, text);
        *(int *)option->value = (int)number;
        return CLI_OK;
    case CLI_REAL: {
        double real = 0;
        if (!cli_number(text, &real) || !in_range(option->choices, real))
            return cli_usage(command->name, "--%s needs a number from %.*s to %s, not '%s'", option->name,
                             (int)strcspn(option->choices, "|"), option->choices, strchr(option->choices, '|') + 1,
                             text);
        *(double *)option->value = real;
        return CLI_OK;
    }
    case CLI_CHOICE:
        if (!is_choice(option->choices, text))
            return cli_usage(command->name, "--%s is one of %s, not '%s'", option->name, option->choices, text);
        *(const char **)option->value = text;
        return CLI_OK;
    case CLI_PAIR:
        if (strchr(text, '=') == NULL || text[0] == '=')
            return cli_usage(command->name, "--%s needs key=value, not '%s'", option->name, text);
        return collect(option->value, NULL, text);
    case CLI_KEY_COUNT:
        if (!whole_number(text, &number))
            return cli_usage(command->name, "--%s needs a whole number, not '%s'", option->name, text);
        return collect(option->value, option->choices, text);
    case CLI_KEY:
        if (text[0] == '\0') return empty_value(command, option);
        return collect(option->value, option->choices, text);
    }
    return CLI_USAGE;
}

static const cli_option *find_option(const cli_command *command, const char *name) {
    for (size_t i = 0; i < command->option_count; i++)
        if (strcmp(command->options[i].name, name) == 0) return &command->options[i];
    return NULL;
}

static int wrong_option(const cli_command *command, const char *text) {
    char name[64], dashed[32][32] = {"--help"};
    const char *names[32] = {dashed[0]};
    size_t count = 1;
    for (size_t i = 0; i < command->option_count && count < CLI_COUNT_OF(names); i++, count++) {
        snprintf(dashed[count], sizeof dashed[0], "--%s", command->options[i].name);
        names[count] = dashed[count];
    }
    size_t length = strcspn(text, "=");
    snprintf(name, sizeof name, "%.*s", (int)(length < 60 ? length : 60), text);
    if (strncmp(name, "--", 2) != 0) return cli_usage(command->name, "unknown option '%s'", name);
    const cli_option *known = find_option(command, name + 2);
    if (known != NULL && known->argument == NULL)
        return cli_usage(command->name, "option '%s' takes no argument", name);
    size_t starts = 0;
    for (size_t i = 0; i < count; i++) starts += strncmp(names[i], name, strlen(name)) == 0;
    if (starts > 1) return cli_usage(command->name, "option '%s' is ambiguous", name);
    return cli_usage(command->name, "unknown option '%s'%s", name, weir_suggest(name, names, count).text);
}

static int missing_operand(const cli_command *command, size_t given) {
    const char *word = command->operands;
    for (; given > 0 && strchr(word, ' ') != NULL; given--) word = strchr(word, ' ') + 1;
    return cli_usage(command->name, "%.*s is missing", (int)strcspn(word, " ."), word);
}

/// What getopt must know of an option.
static int argument_of(const cli_option *option) {
    if (option->argument == NULL) return no_argument;
    return option->kind == CLI_FILE ? optional_argument : required_argument;
}

int cli_parse(const cli_command *command, int argc, char **argv, char ***operands, size_t *count) {
    struct option longs[34] = {{"help", no_argument, NULL, 'h'}};
    for (size_t i = 0; i < command->option_count && i < 32; i++)
        longs[i + 1] =
            (struct option){command->options[i].name, argument_of(&command->options[i]), NULL, (int)(256 + i)};
    opterr = 0;
    for (int code; (code = getopt_long(argc, argv, ":h", longs, NULL)) != -1;) {
        const char *word = argv[optind - 1];
        if (code == 'h') return -1;
        if (code == ':') return cli_usage(command->name, "option '%s' needs an argument", word);
        if (code == '?' && optopt > 0 && optopt < 256 && optopt != 'h')
            return cli_usage(command->name, "unknown option '-%c'", optopt);
        if (code == '?') return wrong_option(command, word);
        const cli_option *option = &command->options[code - 256];
        if (option->kind == CLI_FILE && optarg == NULL && optind < argc && cli_exists(argv[optind]))
            optarg = argv[optind++];
        int status = take(command, option, optarg);
        if (status != CLI_OK) return status;
    }
    *operands = argv + optind;
    *count = (size_t)(argc - optind);
    if (*count < command->least) return missing_operand(command, *count);
    for (size_t i = 0; i < *count; i++)
        if ((*operands)[i][0] == '\0')
            return cli_usage(command->name, "operand %zu is empty; was a variable of the shell not set?", i + 1);
    if (*count > command->most)
        return cli_usage(command->name, "too many arguments: '%s' is not expected", (*operands)[command->most]);
    return CLI_OK;
}

// Help.

void cli_wrap(FILE *out, size_t indent, const char *text) {
    const size_t width = 80;
    size_t column = indent;
    bool first = true; // of a line
    while (*text != '\0') {
        if (*text == '\n') {
            bool paragraph = text[1] == '\n';
            text += paragraph ? 2 : 1;
            fprintf(out, paragraph ? "\n\n%*s" : "\n%*s", (int)indent, "");
            column = indent;
            first = true;
            continue;
        }
        size_t length = strcspn(text, " \n");
        if (!first && column + 1 + length > width) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
            first = true;
        }
        column += (size_t)fprintf(out, "%s%.*s", first ? "" : " ", (int)length, text);
        first = false;
        text += length;
        while (*text == ' ') text++;
    }
    fputc('\n', out);
}

/// The default of an option as text; "" when it has none.
static const char *default_text(const cli_option *option, char text[CLI_NUMBER]) {
    if (option->kind == CLI_COUNT && *(size_t *)option->value > 0) {
        snprintf(text, CLI_NUMBER, "%zu", *(size_t *)option->value);
        return text;
    }
    if (option->kind == CLI_REAL && !isnan(*(double *)option->value)) {
        snprintf(text, CLI_NUMBER, "%g", *(double *)option->value);
        return text;
    }
    if ((option->kind == CLI_TEXT || option->kind == CLI_CHOICE) && *(const char **)option->value != NULL)
        return *(const char **)option->value;
    return "";
}

static void option_help(FILE *out, const cli_option *option) {
    char name[64], value[CLI_NUMBER], text[512];
    snprintf(name, sizeof name, "--%s%s%s", option->name, option->argument == NULL ? "" : " ",
             option->argument == NULL ? "" : option->argument);
    const char *initial = default_text(option, value);
    snprintf(text, sizeof text, "%s%s%s%s", option->help, initial[0] == '\0' ? "" : " [default: ", initial,
             initial[0] == '\0' ? "" : "]");
    fprintf(out, "  %-18s ", name);
    if (strlen(name) > 18) fprintf(out, "\n%21s", "");
    cli_wrap(out, 21, text);
}

void cli_help(const cli_command *command, FILE *out) {
    const char *bold = cli_bold(out), *plain = cli_plain(out);
    fprintf(out, "usage: weir %s %s [options]\n\n", command->name, command->operands);
    cli_wrap(out, 0, command->about);
    fprintf(out, "\n%sOptions:%s\n", bold, plain);
    for (size_t i = 0; i < command->option_count; i++) option_help(out, &command->options[i]);
    fprintf(out, "  %-18s %s\n", "--help", "this text");
    if (command->more != NULL) command->more(out);
    if (command->files != NULL) {
        fprintf(out, "\n%sFiles written:%s\n  ", bold, plain);
        cli_wrap(out, 2, command->files);
    }
    fprintf(out, "\n%sExamples:%s\n", bold, plain);
    for (size_t i = 0; i < CLI_COUNT_OF(command->examples) && command->examples[i] != NULL; i++)
        fprintf(out, "  %s\n", command->examples[i]);
}
