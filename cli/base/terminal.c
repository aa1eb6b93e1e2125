// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file terminal.c
/// What the terminal can do, messages, and numbers and tables as text.
#include "cli.h"

#include <errno.h>
#include <langinfo.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

bool cli_is_terminal(FILE *stream) {
    const char *kind = getenv("TERM");
    return isatty(fileno(stream)) && kind != NULL && strcmp(kind, "dumb") != 0;
}

size_t cli_width(FILE *stream) {
    struct winsize window = {0};
    if (ioctl(fileno(stream), TIOCGWINSZ, &window) == 0 && window.ws_col > 0) return window.ws_col;
    return 80;
}

bool cli_colour(FILE *stream) {
    const char *never = getenv("NO_COLOR");
    return (never == NULL || never[0] == '\0') && cli_is_terminal(stream);
}

bool cli_utf8(void) { return strcmp(nl_langinfo(CODESET), "UTF-8") == 0; }

const char *cli_bold(FILE *stream) { return cli_colour(stream) ? "\033[1m" : ""; }

const char *cli_dim(FILE *stream) { return cli_colour(stream) ? "\033[2m" : ""; }

const char *cli_plain(FILE *stream) { return cli_colour(stream) ? "\033[0m" : ""; }

double cli_clock(void) {
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static bool line_shown = false; // there is one terminal, hence one line

void cli_line_begin(void) {
    fputs("\r\033[K", stderr);
    line_shown = true;
}

void cli_line_clear(void) {
    if (line_shown) fputs("\r\033[K", stderr);
    line_shown = false;
}

// Messages.

static void message(const char *format, va_list arguments) WEIR_PRINTF(1, 0);
static void message(const char *format, va_list arguments) {
    cli_line_clear();
    cli_flush();
    fputs("weir: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

int cli_error(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    message(format, arguments);
    va_end(arguments);
    return CLI_FAILED;
}

void cli_note(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    message(format, arguments);
    va_end(arguments);
}

int cli_usage(const char *command, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    message(format, arguments);
    va_end(arguments);
    fprintf(stderr, "Try 'weir help%s%s'.\n", command == NULL ? "" : " ", command == NULL ? "" : command);
    return CLI_USAGE;
}

int cli_weir_error(const weir_error *error) {
    if (error->text[0] == '\0') return cli_error("%s", weir_status_text(error->status));
    return cli_error("%s", error->text);
}

static int lost = 0; // errno of the first write to standard output that failed

bool cli_flush(void) {
    if (fflush(stdout) != 0 && lost == 0) lost = errno;
    if (ferror(stdout) && lost == 0) lost = EIO; // failed in between: the reason is gone
    return lost == 0;
}

int cli_finish(int status) {
    static bool told = false;
    if (cli_flush()) return status;
    if (lost != EPIPE && !told) cli_error("cannot write to standard output: %s", strerror(lost));
    told = true;
    return status == CLI_USAGE ? CLI_USAGE : CLI_FAILED;
}

void cli_print_json(const json_t *value) {
    if (json_dumpf(value, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) == 0) fputc('\n', stdout);
}

// Numbers.

const char *cli_thousands(char text[CLI_NUMBER], uint64_t number) {
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    size_t to = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) text[to++] = ',';
        text[to++] = digits[i];
    }
    text[to] = '\0';
    return text;
}

const char *cli_bytes(char text[CLI_NUMBER], uint64_t bytes) {
    static const char *const names[] = {"B", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t scale = 0;
    while (value >= 999.5 && scale + 1 < CLI_COUNT_OF(names)) {
        value /= 1000;
        scale++;
    }
    int digits = scale == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    snprintf(text, CLI_NUMBER, "%.*f %s", digits, value, names[scale]);
    return text;
}

const char *cli_duration(char text[CLI_NUMBER], double seconds) {
    unsigned long whole = seconds > 0 && seconds < 1e9 ? (unsigned long)(seconds + 0.5) : 0;
    if (whole >= 3600)
        snprintf(text, CLI_NUMBER, "%lu:%02lu:%02lu", whole / 3600, whole / 60 % 60, whole % 60);
    else
        snprintf(text, CLI_NUMBER, "%lu:%02lu", whole / 60, whole % 60);
    return text;
}

const char *cli_milliseconds(char text[CLI_NUMBER], double milliseconds) {
    int digits = milliseconds >= 99.95 ? 0 : milliseconds >= 9.995 ? 1 : 2;
    snprintf(text, CLI_NUMBER, "%.*f", digits, milliseconds);
    return text;
}

// Tables.

bool cli_table_add(cli_table *table, const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return cli_list_add(&table->rows, "%s", text);
}

/// Columns that text takes: its characters, continuation bytes of UTF-8 not counted.
static size_t text_width(const char *text, size_t length) {
    size_t width = 0;
    for (size_t i = 0; i < length; i++) width += ((unsigned char)text[i] & 0xc0) != 0x80;
    return width;
}

void cli_table_print(cli_table *table, FILE *out) {
    size_t columns = strlen(table->align), widths[16] = {0};
    for (size_t r = 0; r < table->rows.count; r++) {
        const char *cell = table->rows.items[r];
        for (size_t c = 0; c < columns; c++, cell += *cell == '\t') {
            size_t length = strcspn(cell, "\t"), width = text_width(cell, length);
            if (width > widths[c]) widths[c] = width;
            cell += length;
        }
    }
    for (size_t r = 0; r < table->rows.count; r++) {
        const char *cell = table->rows.items[r];
        size_t owed = 0; // blanks, printed only when text follows them
        if (r == 0) fputs(cli_bold(out), out);
        for (size_t c = 0; c < columns; c++, cell += *cell == '\t') {
            size_t length = strcspn(cell, "\t"), gap = widths[c] - text_width(cell, length);
            owed += 2 + (table->align[c] == 'r' ? gap : 0);
            if (length > 0) {
                fprintf(out, "%*s%.*s", (int)owed, "", (int)length, cell);
                owed = 0;
            } else
                owed += table->align[c] == 'r' ? widths[c] - gap : 0;
            owed += table->align[c] == 'l' ? gap : 0;
            cell += length;
        }
        fprintf(out, "%s\n", r == 0 ? cli_plain(out) : "");
    }
    cli_list_free(&table->rows);
}
