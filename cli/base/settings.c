// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file settings.c
/// `weir help settings`: every setting of a configuration, what it expects, and its value where CONFIG is silent.
#include "cli.h"

#include <string.h>

static void print_setting(FILE *out, const weir_setting *setting) {
    char name[96], text[512];
    const char *value = setting->of_node ? "" : setting->initial;
    snprintf(name, sizeof name, "%s%s", setting->of_node ? "network.NODE." : "", setting->path);
    bool plain = strcmp(setting->expects, "text") == 0 || strstr(setting->about, setting->expects) != NULL;
    snprintf(text, sizeof text, "%s%s%s%s%s%s%s", setting->about, plain ? "" : " (", plain ? "" : setting->expects,
             plain ? "" : ")", value[0] == '\0' ? "" : " [", value, value[0] == '\0' ? "" : "]");
    fprintf(out, "  %-28s ", name);
    if (strlen(name) > 28) fprintf(out, "\n%31s", "");
    cli_wrap(out, 31, text);
}

void cli_settings(FILE *out) {
    cli_wrap(
        out, 0,
        "Every setting of a configuration, as in 'weir train CONFIG --set KEY=VALUE' and, nested, in a YAML file; in "
        "brackets the value where CONFIG is silent. NODE is the name of a node.");
    fprintf(out, "\n%sSettings:%s\n", cli_bold(out), cli_plain(out));
    for (size_t i = 0; i < weir_setting_count(); i++) {
        weir_setting setting = weir_setting_at(i);
        print_setting(out, &setting);
    }
    fprintf(out, "\n%sKinds of nodes:%s\n", cli_bold(out), cli_plain(out));
    for (size_t i = 0; i < weir_kind_count(); i++) {
        const weir_kind *kind = weir_kind_at(i);
        fprintf(out, "  %-28s ", kind->name);
        cli_wrap(out, 31, kind->summary);
    }
    fprintf(out, "\n%sPyTorch's words, which are understood, too:%s\n", cli_bold(out), cli_plain(out));
    for (size_t i = 0; i < weir_synonym_count(); i++) {
        const weir_synonym synonym = weir_synonym_at(i);
        fprintf(out, "  %-28s %s%s%s\n", synonym.word, synonym.setting == NULL ? "" : synonym.setting,
                synonym.setting == NULL ? "" : ": ", synonym.name);
    }
    fprintf(out, "\nRules of units: weir units\n");
}

/// A cell of a table: a bar would end it.
static void print_cell(FILE *out, const char *text) {
    fputs(" ", out);
    for (; *text != '\0'; text++) fprintf(out, *text == '|' ? "\\|" : "%c", *text);
    fputs(" |", out);
}

static void print_rows(FILE *out, bool of_node) {
    fprintf(out, "| setting | default | expects | changes numbers | same on `--resume` | has an effect with | |\n"
                 "|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < weir_setting_count(); i++) {
        weir_setting s = weir_setting_at(i);
        if (s.of_node != of_node) continue;
        fprintf(out, "| `%s` |", s.path);
        print_cell(out, s.initial);
        print_cell(out, s.expects);
        print_cell(out, s.numbers);
        print_cell(out, s.resumed);
        print_cell(out, s.applies);
        print_cell(out, s.about);
        fputc('\n', out);
    }
}

void cli_settings_page(FILE *out) {
    fprintf(out,
            "<!-- Written by: weir help settings --markdown. Change the tables of fields, not this page. -->\n\n"
            "# Settings\n\n"
            "Every setting of a configuration: nested in a YAML file, and on the command line `--set KEY=VALUE`. A "
            "setting that has no effect\nis refused on the command line, and remarked on where a file has another "
            "value than the default.\n\n"
            "`weir train --resume` goes on only with the same settings where the fifth column says yes. \"By the "
            "rows\": files may have moved,\nbut the values of all inputs, labels and targets must be the same. The "
            "run then goes on bit for bit where version, threads,\nrates (`weir bench plan`) and instruction set "
            "are those that wrote the checkpoint; elsewhere a line says what differs.\n\n");
    print_rows(out, false);
    fprintf(out, "\n## Of a node\n\nSet as `NODE.KEY=VALUE`. Empty or 0 is \"not said\".\n\n");
    print_rows(out, true);
}

static int refuse_idle(const char *command, const char *place, const weir_config *config, const cli_list *given) {
    weir_error error = {0};
    char *lines = NULL;
    const char *const *items = (const char *const *)given->items;
    if (given->count == 0) return CLI_OK;
    if (weir_config_idle(config, &lines, items, given->count, &error) != WEIR_OK) return cli_weir_error(&error);
    const int status = lines == NULL ? CLI_OK : cli_usage(command, "%s%s", place, lines);
    weir_text_free(lines);
    return status;
}

int cli_tell_idle(const char *command, const char *place, const weir_config *config, const cli_list *given) {
    weir_error error = {0};
    char *lines = NULL;
    int status = refuse_idle(command, place, config, given);
    if (status != CLI_OK) return status;
    if (weir_config_idle(config, &lines, NULL, 0, &error) != WEIR_OK) return cli_weir_error(&error);
    if (lines != NULL) cli_note("%s%s", place, lines);
    weir_text_free(lines);
    return CLI_OK;
}
