// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file environment.c
/// The variables of the environment that the library reads: it would leave aside, without a word, what it cannot use.
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <weir/plan.h>

enum { NAMES_MOST = 16, NAMES_ROOM = 256 };
_Static_assert((int)WEIR_ISA_COUNT <= (int)NAMES_MOST && (int)WEIR_WAY_COUNT <= (int)NAMES_MOST, "room for names");

/// The index of the variable's value among the names, -1 where it is not set or empty, count after a message.
static int value_among(const char *variable, const char *const *names, size_t count) {
    const char *value = getenv(variable);
    if (value == NULL || value[0] == '\0') return -1;
    char known[NAMES_ROOM] = "";
    for (size_t i = 0; i < count; i++) {
        if (strcmp(value, names[i]) == 0) return (int)i;
        const size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " or ", names[i]);
    }
    cli_error("the environment has %s=%s, expected %s%s", variable, value, known,
              weir_suggest(value, names, count).text);
    return (int)count;
}

/// Says what becomes of a number of threads that the library does not take as it stands.
static void note_threads(const char *variable) {
    const char *value = getenv(variable);
    char *end = NULL;
    if (value == NULL || value[0] == '\0') return;
    const long number = strtol(value, &end, 10);
    if (end == value || number < 1 || (*end != '\0' && *end != ',')) {
        cli_note("%s=%.40s is left aside: expected a number from 1; threads: %d", variable, value, weir_threads());
    } else if (number > WEIR_THREADS_MOST) {
        cli_note("%s=%.40s: weir uses at most %d threads", variable, value, WEIR_THREADS_MOST);
    }
}

int cli_check_environment(void) {
    note_threads("OMP_NUM_THREADS");
    note_threads("OMP_THREAD_LIMIT");
    const char *names[NAMES_MOST];
    for (int i = 0; i < WEIR_ISA_COUNT; i++) names[i] = weir_isa_name((weir_isa)i);
    const int isa = value_among("WEIR_ISA", names, WEIR_ISA_COUNT);
    if (isa == WEIR_ISA_COUNT) return CLI_FAILED;
    if (isa > (int)weir_isa_best())
        return cli_error("the environment has WEIR_ISA=%s, which this processor or operating system lacks; the best "
                         "one here is %s",
                         weir_isa_name((weir_isa)isa), weir_isa_name(weir_isa_best()));
    for (int i = 0; i < WEIR_WAY_COUNT; i++) names[i] = weir_way_name((weir_way)i);
    return value_among("WEIR_PLAN", names, WEIR_WAY_COUNT) == WEIR_WAY_COUNT ? CLI_FAILED : CLI_OK;
}
