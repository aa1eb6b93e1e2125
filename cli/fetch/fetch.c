// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file fetch.c
/// `weir fetch`: data sets from the network, checked and continued where a former call stopped.
#include "fetch.h"
#include "base/cli.h"

#include <stdlib.h>
#include <string.h>

static const char *out_folder, *mirror;

static const cli_option options[] = {
    {"out", "DIR", CLI_TEXT, &out_folder, NULL, "folder for the files [default: data/NAME]"},
    {"mirror", "URL", CLI_TEXT, &mirror, NULL, "folder on another server that holds the same files"},
};

typedef struct download {
    cli_bar bar;
    char file[128];
    double started;
    uint64_t first; // bytes that were there before
} download;

static int show(void *context, const char *file, uint64_t done, uint64_t total) {
    download *d = context;
    if (strcmp(d->file, file) != 0) {
        snprintf(d->file, sizeof d->file, "%s", file);
        d->started = cli_clock();
        d->first = done;
        if (!d->bar.live) fprintf(stderr, "%s\n", file);
        d->bar.shown = -1;
    }
    char a[CLI_NUMBER], b[CLI_NUMBER], right[2 * CLI_NUMBER + 8];
    double seconds = cli_clock() - d->started, fresh = (double)(done - d->first);
    double left = fresh > 0 && total >= done ? seconds / fresh * (double)(total - done) : -1;
    snprintf(right, sizeof right, "%s of %s", cli_bytes(a, done), cli_bytes(b, total));
    cli_bar_show(&d->bar, total > 0 ? (double)done / (double)total : 0, left, file, right);
    return cli_interrupted();
}

static const fetch_source *find_source(const char *name) {
    for (size_t i = 0; i < fetch_source_count(); i++)
        if (strcmp(fetch_source_at(i)->name, name) == 0) return fetch_source_at(i);
    return NULL;
}

static int unknown_source(const char *name) {
    const char *names[16];
    char list[256] = "";
    size_t count = 0;
    for (; count < fetch_source_count() && count < CLI_COUNT_OF(names); count++) {
        names[count] = fetch_source_at(count)->name;
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", count == 0 ? "" : ", ", names[count]);
    }
    return cli_usage("fetch", "unknown data set '%s'; there are %s%s", name, list,
                     weir_suggest(name, names, count).text);
}

static int run(char **operands, size_t count) {
    (void)count;
    const fetch_source *source = find_source(operands[0]);
    if (source == NULL) return unknown_source(operands[0]);
    char *folder = out_folder != NULL ? strdup(out_folder) : cli_path("data", source->name);
    if (folder == NULL) return CLI_FAILED;
    weir_error error = {0};
    download d = {0};
    cli_interrupt_begin();
    cli_bar_begin(&d.bar);
    weir_status status = fetch_download(source, folder, mirror, show, &d, &error);
    cli_bar_clear(&d.bar);
    int result = CLI_OK;
    if (status == WEIR_INTERRUPTED)
        result = cli_error("interrupted; the same command continues where it stopped");
    else if (status != WEIR_OK)
        result = cli_weir_error(&error);
    else {
        printf("%s is complete in %s\n", source->name, folder);
        char *data = source->next != NULL ? cli_path(folder, source->files[0].name) : strdup(folder);
        if (data != NULL)
            printf("Next: weir train %s --data %s\n", source->next != NULL ? source->next : "mnist-blocks",
                   cli_shell(data).text);
        free(data);
    }
    free(folder);
    return result;
}

static void list_sources(FILE *out) {
    fprintf(out, "\n%sData sets:%s\n", cli_bold(out), cli_plain(out));
    for (size_t i = 0; i < fetch_source_count(); i++) {
        const fetch_source *source = fetch_source_at(i);
        uint64_t bytes = 0;
        char size[CLI_NUMBER];
        for (size_t f = 0; f < source->file_count; f++)
            bytes += source->files[f].archive_bytes > 0 ? source->files[f].archive_bytes : source->files[f].bytes;
        fprintf(out, "  %-18s %s (%s)\n", source->name, source->about, cli_bytes(size, bytes));
    }
}

const cli_command cli_fetch = {
    .name = "fetch",
    .operands = "NAME",
    .summary = "download a data set and check it",
    .about =
        "Download a data set. Each file is checked against its published checksum; files that are there already are "
        "kept, and an interrupted download goes on where it stopped.",
    .options = options,
    .option_count = CLI_COUNT_OF(options),
    .least = 1,
    .most = 1,
    .more = list_sources,
    .files = "DIR/*.gz, DIR/text8, DIR/enwik8; while loading, NAME.part and NAME.zip",
    .examples = {"weir fetch mnist", "weir fetch fashion-mnist --out /srv/data/fashion"},
    .run = run,
};
