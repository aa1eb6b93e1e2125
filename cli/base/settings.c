// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file settings.c
/// `weir help settings`: every setting of a configuration, what it expects, and its value where CONFIG is silent.
#include "cli.h"

#include <string.h>

/// The value at a dotted path in a configuration as weir_config_print writes it: nested by two blanks.
static void find_value(const char *yaml, const char *path, char *value, size_t size) {
    size_t depth = 0;
    snprintf(value, size, "%s", "");
    for (const char *line = yaml; *line != '\0' && path != NULL; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *dot = strchr(path, '.');
        size_t length = dot != NULL ? (size_t)(dot - path) : strlen(path), indent = strspn(line, " ");
        if (indent < 2 * depth && *line != '-') return; // the section is over
        if (indent != 2 * depth || strncmp(line + indent, path, length) != 0 || line[indent + length] != ':') continue;
        const char *rest = line + indent + length + 1;
        rest += strspn(rest, " ");
        if (dot == NULL) snprintf(value, size, "%.*s", (int)strcspn(rest, "\n"), rest);
        path = dot != NULL ? dot + 1 : NULL;
        depth++;
    }
}

/// The configuration that says nothing but the least network.
static char *silent_configuration(void) {
    static const char least[] = "network:\n- kind: input\n  size: 1\n- kind: affine\n  size: 1\n";
    weir_config config = {0};
    char *text = NULL;
    if (weir_config_parse(&config, least, "least", NULL, 0, NULL) == WEIR_OK) weir_config_print(&config, &text, NULL);
    weir_config_free(&config);
    return text;
}

static void print_setting(FILE *out, const weir_setting *setting, const char *yaml) {
    char name[96], value[96] = "", text[512];
    snprintf(name, sizeof name, "%s%s", setting->of_node ? "network.NODE." : "", setting->path);
    if (!setting->of_node && yaml != NULL && strcmp(setting->path, "name") != 0)
        find_value(yaml, setting->path, value, sizeof value);
    bool plain = strcmp(setting->expects, "text") == 0 || strstr(setting->about, setting->expects) != NULL;
    snprintf(text, sizeof text, "%s%s%s%s%s%s%s", setting->about, plain ? "" : " (", plain ? "" : setting->expects,
             plain ? "" : ")", value[0] == '\0' ? "" : " [", value, value[0] == '\0' ? "" : "]");
    fprintf(out, "  %-28s ", name);
    if (strlen(name) > 28) fprintf(out, "\n%31s", "");
    cli_wrap(out, 31, text);
}

void cli_settings(FILE *out) {
    char *yaml = silent_configuration();
    cli_wrap(
        out, 0,
        "Every setting of a configuration, as in 'weir train CONFIG --set KEY=VALUE' and, nested, in a YAML file; in "
        "brackets the value where CONFIG is silent. NODE is the name of a node.");
    fprintf(out, "\n%sSettings:%s\n", cli_bold(out), cli_plain(out));
    for (size_t i = 0; i < weir_setting_count(); i++) {
        weir_setting setting = weir_setting_at(i);
        print_setting(out, &setting, yaml);
    }
    fprintf(out, "\n%sKinds of nodes:%s\n", cli_bold(out), cli_plain(out));
    for (size_t i = 0; i < weir_kind_count(); i++) {
        const weir_kind *kind = weir_kind_at(i);
        fprintf(out, "  %-28s ", kind->name);
        cli_wrap(out, 31, kind->summary);
    }
    fprintf(out, "\nRules of units: weir units\n");
    weir_text_free(yaml);
}
