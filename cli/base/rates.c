// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file rates.c
/// The rates that plans are made from: those of this machine, where `weir bench plan --save` has written them down.
#include "cli.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_ROOM = 1024 };

static char origin[PATH_ROOM + WEIR_ERROR_TEXT] = "built in";

const char *cli_rates_origin(void) { return origin; }

/// $WEIR_RATES; NULL where it is not set or empty.
static const char *wanted_rates(void) {
    const char *wanted = getenv("WEIR_RATES");
    return wanted != NULL && wanted[0] != '\0' ? wanted : NULL;
}

static bool is_builtin(const char *wanted) { return strcmp(wanted, "builtin") == 0; }

int cli_rates_path(char *path, size_t size) {
    const char *wanted = wanted_rates();
    weir_error error = {0};
    if (wanted != NULL && !is_builtin(wanted)) {
        snprintf(path, size, "%s", wanted);
        return CLI_OK;
    }
    return weir_calibration_path(path, size, &error) == WEIR_OK ? CLI_OK : cli_weir_error(&error);
}

/// A file that somebody has asked for must be usable; without one in its usual place, or with one that is of another
/// machine or version, what is built in does.
static int use_rates(void) {
    const char *wanted = wanted_rates();
    const bool asked = wanted != NULL;
    char path[PATH_ROOM];
    weir_calibration rates;
    weir_error error = {0};
    if (asked && is_builtin(wanted)) return CLI_OK;
    if (asked)
        snprintf(path, sizeof path, "%s", wanted);
    else if (weir_calibration_path(path, sizeof path, NULL) != WEIR_OK)
        return CLI_OK;
    weir_status status = weir_calibration_load(&rates, path, &error);
    if (status == WEIR_OK) status = weir_calibration_use(&rates, &error);
    if (status == WEIR_OK)
        snprintf(origin, sizeof origin, "%s", path);
    else if (asked)
        return cli_error("%s; the environment has WEIR_RATES=%s: it names a file that 'weir bench plan --save' has "
                         "written, or is 'builtin'",
                         error.text, wanted);
    else if (status != WEIR_NOT_FOUND)
        snprintf(origin, sizeof origin, "built in; not used: %s", error.text);
    return CLI_OK;
}

int cli_use_machine(size_t threads) {
    weir_threads_use(threads < INT_MAX ? (int)threads : INT_MAX);
    return use_rates();
}
