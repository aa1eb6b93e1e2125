// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Does the first line name columns?
//
//   header "yes"    it does
//   header "no"     it does not
//   header "auto"   it does when a setting names a column and it holds a text, when it has a name that the model knows, when no column of
//                   values holds a number in it (and one a text), or when it counts its columns 0, 1, 2, … (at least
//                   three; pandas writes such names), which a note says. Numbers beside text are refused: nobody but
//                   the user knows whether that is a name or a damaged value.
//
// What is each column for? The lists of the options say it by numbers or names. Where rows are for a model that knows
// names, and the file has some, the model's names say it: the order of the file does not count, what it has beyond them
// is left out, and what it lacks is an error.

#include <string.h>

#include "csv.h"

enum { shown = 25, least_counted = 3 };

void weir__csv_note(weir__csv *c, const char *format, ...) {
    char *note = c->table->note;
    const size_t used = strlen(note);
    va_list arguments;
    va_start(arguments, format);
    if (used + 3 < WEIR_NOTE) {
        if (used) memcpy(note + used, "; ", 3);
        weir__print_arguments(note + strlen(note), WEIR_NOTE - strlen(note), format, arguments);
    }
    va_end(arguments);
}

const char *weir__csv_place(const weir__csv *c, size_t column, char *text, size_t size) {
    const char *name = column < c->columns.count ? weir__csv_column_at(c, column)->name : NULL;
    char buffer[shown + 15];
    snprintf(text, size, "line %zu, column %zu%s%s%s", c->lines.line, column, name && *name ? " (" : "",
             name ? weir__show(buffer, sizeof buffer, name, strlen(name)) : "", name && *name ? ")" : "");
    return text;
}

// ---- Roles.

static weir__role role_of(const weir__csv *c, size_t column, const char *name) {
    const weir__csv_options *o = &c->options;
    if (c->only_labels) return WEIR__ROLE_LABEL;
    if (weir__columns_have(o->skipped, column, name)) return WEIR__ROLE_NONE;
    if (weir__columns_have(o->label, column, name)) return o->labels ? WEIR__ROLE_LABEL : WEIR__ROLE_NONE;
    return weir__columns_have(o->targets, column, name) ? WEIR__ROLE_TARGET : WEIR__ROLE_VALUE;
}

/// A list of columns and what errors call it.
typedef struct selection {
    const char *list, *setting, *what;
} selection;

// "a, b, c": the names of the file, for a message.
static void list_names(const weir__csv *c, char *text, size_t size) {
    size_t used = 0;
    text[0] = 0;
    for (size_t j = 0; j < c->columns.count && used + 8 < size; j++) {
        const char *name = weir__csv_column_at(c, j)->name, *quote = weir__quote_of(name);
        char buffer[shown];
        if (used + strlen(name) + 10 > size) {
            snprintf(text + used, size - used, ", ...");
            return;
        }
        used += (size_t)snprintf(text + used, size - used, "%s%s%s%s", j ? ", " : "", quote,
                                 weir__show(buffer, sizeof buffer, name, strlen(name)), quote);
    }
}

static weir_status fail_name(const weir__csv *c, const char *name, const selection *s, weir_error *error) {
    const char *setting = s->setting;
    char list[160];
    const char *names[64];
    size_t count = 0;
    if (!c->named)
        return weir__fail(error, WEIR_DATA,
                          "%s: %s says \"%s\", but line %zu gives no names of columns; say the column's number, from 0, or "
                          "data.header yes",
                          c->lines.stream->name, setting, name, c->lines.line);
    for (; count < c->columns.count && count < sizeof names / sizeof *names; count++)
        names[count] = weir__csv_column_at(c, count)->name;
    list_names(c, list, sizeof list);
    for (size_t k = 0; k < count; k++)
        if (strchr(names[k], ',') && strstr(s->list, names[k]))
            return weir__fail(error, WEIR_DATA, "%s: has no column \"%s\" (%s); a name with a comma stands in quotes of its "
                              "own: '\"%.80s\"'", c->lines.stream->name, name, setting, names[k]);
    return weir__fail(error, WEIR_DATA, "%s: has no column \"%s\" (%s); it has %s%s", c->lines.stream->name, name,
                      setting, list, weir_suggest(name, names, count).text);
}

static weir_status fail_doubled(const weir__csv *c, const char *name, size_t first, size_t second, weir_error *error) {
    return weir__fail(error, WEIR_DATA,
                      "%s: columns %zu and %zu are both called \"%s\"; rename one of them, or leave one out "
                      "(data.skip_columns, --skip-columns)",
                      c->lines.stream->name, first, second, name);
}

// Every entry of a list is a column of the file.
static weir_status check_selection(const weir__csv *c, const selection *s, weir_error *error) {
    weir__column entry;
    // What a model does not know is left out all the same.
    const bool matched = c->named && weir_names_count(c->options.names, WEIR_NAMED_COLUMNS);
    for (const char *at = s->list; weir__columns_next(&entry, &at);) {
        const bool left_out = matched && *entry.name && s->list == c->options.skipped;
        size_t found = SIZE_MAX;
        for (size_t j = 0; *entry.name && j < c->columns.count; j++) {
            const char *name = weir__csv_column_at(c, j)->name;
            if (!name || strcmp(name, entry.name) != 0) continue;
            if (found != SIZE_MAX && s->list != c->options.skipped)
                return fail_doubled(c, name, found, j, error);
            found = j;
        }
        if (left_out && found == SIZE_MAX) continue;
        if (*entry.name && found == SIZE_MAX) return fail_name(c, entry.name, s, error);
        if (!*entry.name && entry.last >= c->columns.count)
            return weir__fail(error, WEIR_DATA, "%s: line %zu has %zu columns, but %s %zu%s", c->lines.stream->name,
                              c->lines.line, c->columns.count, s->what, entry.last, s->list == c->options.label
                              ? " (counted from 0)" : "");
    }
    return WEIR_OK;
}

static weir_status check_selections(const weir__csv *c, weir_error *error) {
    const selection all[] = {{c->options.label, "data.label_column, --label-column", "the label's is"},
                             {c->options.targets, "data.target_columns, --target-columns", "data.target_columns goes up to"},
                             {c->options.skipped, "data.skip_columns, --skip-columns", "data.skip_columns goes up to"}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const weir_status status = check_selection(c, &all[i], error);
        if (status != WEIR_OK) return status;
    }
    return WEIR_OK;
}

static size_t count_role(const weir__csv *c, weir__role role) {
    size_t count = 0;
    for (size_t j = 0; j < c->columns.count; j++) count += weir__csv_column_at(c, j)->role == role;
    return count;
}

// The column of that role whose slot it is; SIZE_MAX: none.
static size_t column_of(const weir__csv *c, weir__role role, size_t slot) {
    for (size_t j = 0; j < c->columns.count; j++) {
        const weir__csv_column *column = weir__csv_column_at(c, j);
        if (column->role == role && column->slot == slot) return j;
    }
    return SIZE_MAX;
}

// ---- Rows for a model that knows names.

// Columns that the options give no other part are values or targets if the list has their names.
static weir_status match_list(weir__csv *c, weir_named list, weir__role role, weir_error *error) {
    for (size_t j = 0; j < c->columns.count; j++) {
        weir__csv_column *column = weir__csv_column_at(c, j);
        const bool open = column->role == WEIR__ROLE_VALUE && !column->matched;
        const size_t slot = open ? weir_names_find(c->options.names, list, column->name) : SIZE_MAX;
        if (slot == SIZE_MAX) continue;
        for (size_t i = 0; i < j; i++) {
            const weir__csv_column *other = weir__csv_column_at(c, i);
            if (other->matched && other->role == role && other->slot == slot)
                return fail_doubled(c, column->name, i, j, error);
        }
        column->matched = true;
        column->role = role;
        column->slot = slot;
    }
    return WEIR_OK;
}

static weir_status check_complete(const weir__csv *c, weir_error *error) {
    const weir_names *names = c->options.names;
    char list[160] = "", has[120];
    size_t missing = 0, used = 0, columns = weir_names_count(names, WEIR_NAMED_COLUMNS);
    for (size_t k = 0; k < columns; k++) {
        if (column_of(c, WEIR__ROLE_VALUE, k) != SIZE_MAX) continue;
        if (missing++ && used + 8 > sizeof list) continue;
        const int more = snprintf(list + used, sizeof list - used, "%s\"%.40s\"", used ? ", " : "",
                                  weir_names_at(names, WEIR_NAMED_COLUMNS, k));
        used = used + (size_t)more < sizeof list ? used + (size_t)more : sizeof list;
    }
    if (!missing) return WEIR_OK;
    list_names(c, has, sizeof has);
    return weir__fail(error, WEIR_DATA, "%s: lacks %zu of the %zu columns that were trained on: %s; it has %s",
                      c->lines.stream->name, missing, columns, list, has);
}

static void leave_out_others(weir__csv *c) {
    char list[100] = "", numbered[32];
    size_t count = 0, length = 0;
    for (size_t j = 0; j < c->columns.count; j++) {
        weir__csv_column *column = weir__csv_column_at(c, j);
        if (column->matched || column->role != WEIR__ROLE_VALUE) continue;
        char buffer[shown];
        snprintf(numbered, sizeof numbered, "column %zu (no name)", j);
        const char *name = *column->name ? column->name : numbered, *quote = weir__quote_of(name);
        column->role = WEIR__ROLE_NONE;
        if (!count++ || length + shown + 8 < sizeof list)
            length += (size_t)snprintf(list + length, sizeof list - length, "%s%s%s%s", length ? ", " : "", quote,
                                       weir__show(buffer, sizeof buffer, name, strlen(name)), quote);
    }
    if (count)
        weir__csv_note(c, "%s: %zu column%s that the model does not know %s left out: %s", c->lines.stream->name, count,
                       count == 1 ? "" : "s", count == 1 ? "is" : "are", list);
}

static void find_label(weir__csv *c) {
    const char *label = weir_names_at(c->options.names, WEIR_NAMED_LABEL, 0);
    for (size_t j = 0; label && !weir__given(c->options.label) && j < c->columns.count; j++) {
        weir__csv_column *column = weir__csv_column_at(c, j);
        if (column->role != WEIR__ROLE_VALUE || strcmp(column->name, label) != 0) continue;
        column->role = c->options.labels ? WEIR__ROLE_LABEL : WEIR__ROLE_NONE;
        return;
    }
}

static weir_status match_names(weir__csv *c, weir_error *error) {
    weir_status status = WEIR_OK;
    const size_t all = weir_names_count(c->options.names, WEIR_NAMED_TARGETS);
    size_t given = 0;
    find_label(c);
    for (size_t j = 0; j < c->columns.count; j++) {
        weir__csv_column *column = weir__csv_column_at(c, j);
        if (column->role == WEIR__ROLE_TARGET) column->slot = given++;
    }
    if (!given) TRY(match_list(c, WEIR_NAMED_TARGETS, WEIR__ROLE_TARGET, error));
    TRY(match_list(c, WEIR_NAMED_COLUMNS, WEIR__ROLE_VALUE, error));
    leave_out_others(c);
    TRY(check_complete(c, error));
    const size_t targets = count_role(c, WEIR__ROLE_TARGET);
    TRY_THAT(given || !targets || targets == all, WEIR_DATA, "%s: has %zu of the %zu columns of targets that were "
             "trained on", c->lines.stream->name, targets, all);
done:
    return status;
}

// ---- Rows that are the first of their kind.

static weir_status keep_names(weir__csv *c, weir_named list, weir__role role, weir_error *error) {
    weir_status status = WEIR_OK;
    const size_t count = count_role(c, role);
    const char **names = NULL;
    char(*numbered)[32] = NULL, place[80];
    size_t found = 0;
    weir__texts known = {0};
    TRY(weir__new((void *)&names, count, sizeof *names, "names", error));
    TRY(weir__new(&numbered, count, sizeof *numbered, "names", error));
    for (size_t j = 0; j < c->columns.count; j++) {
        const weir__csv_column *column = weir__csv_column_at(c, j);
        if (column->role != role) continue;
        snprintf(numbered[found], sizeof *numbered, "column %zu", j); // of a column with an empty name
        names[found] = *column->name ? column->name : numbered[found];
        TRY_THAT(weir__is_utf8(names[found]), WEIR_DATA, "%s: %s: the name is not in UTF-8", c->lines.stream->name,
                 weir__csv_place(c, j, place, sizeof place));
        size_t number = 0;
        TRY(weir__texts_add(&known, &number, names[found], error));
        if (number != found) {
            status = fail_doubled(c, names[found], column_of(c, role, number), j, error);
            goto done;
        }
        found++;
    }
    TRY(weir_names_set(c->table->names, list, names, count, error));
done:
    weir__texts_free(&known);
    weir__free((void *)names);
    weir__free(numbered);
    return status;
}

static weir_status number_columns(weir__csv *c, weir_error *error) {
    weir_status status = WEIR_OK;
    size_t values = 0, targets = 0;
    for (size_t j = 0; j < c->columns.count; j++) {
        weir__csv_column *column = weir__csv_column_at(c, j);
        if (column->role == WEIR__ROLE_VALUE) column->slot = values++;
        if (column->role == WEIR__ROLE_TARGET) column->slot = targets++;
    }
    if (!c->named || c->options.names || !c->table->names) goto done;
    TRY(keep_names(c, WEIR_NAMED_COLUMNS, WEIR__ROLE_VALUE, error));
    TRY(keep_names(c, WEIR_NAMED_TARGETS, WEIR__ROLE_TARGET, error));
    TRY(keep_names(c, WEIR_NAMED_LABEL, WEIR__ROLE_LABEL, error));
done:
    return status;
}

static weir_status choose_roles(weir__csv *c, weir_error *error) {
    weir_status status = WEIR_OK;
    for (size_t j = 0; j < c->columns.count; j++)
        weir__csv_column_at(c, j)->role = role_of(c, j, weir__csv_column_at(c, j)->name);
    TRY(check_selections(c, error));
    if (c->named && weir_names_count(c->options.names, WEIR_NAMED_COLUMNS)) {
        TRY(match_names(c, error));
    } else {
        TRY(number_columns(c, error));
    }
    TRY_THAT(c->only_labels || count_role(c, WEIR__ROLE_VALUE), WEIR_DATA, "%s: line %zu has %s and no values",
             c->lines.stream->name, c->lines.line,
             weir__given(c->options.label) ? "a label" : "targets, or columns that are left out,");
done:
    return status;
}

// The columns of the line at hand, with their names if it gives some.
static weir_status take_columns(weir__csv *c, weir_error *error) {
    weir_status status = WEIR_OK;
    const char *at = c->lines.text.data, *text = NULL;
    c->columns.size = sizeof(weir__csv_column);
    for (weir__field field; weir__lines_field(&c->lines, &at, &field);) {
        TRY(weir__grow(&c->columns, 1, "the columns", error));
        weir__csv_column *column = weir__csv_column_at(c, c->columns.count++);
        *column = (weir__csv_column){0};
        if (!c->named) continue;
        TRY(weir__field_copy(&text, &c->memory, &field, error));
        column->name = weir__copy_string(text);
        TRY_THAT(column->name, WEIR_MEMORY, "out of memory: the names of columns");
    }
    c->columns_line = c->lines.line;
    TRY_THAT(!c->only_labels || c->columns.count == 1, WEIR_DATA, "%s: line %zu has %zu values; labels are one per line",
             c->lines.stream->name, c->lines.line, c->columns.count);
done:
    return status;
}

weir_status weir__csv_columns(weir__csv *c, weir_error *error) {
    weir_status status = WEIR_OK;
    if (!c->columns.count) TRY(take_columns(c, error));
    TRY(choose_roles(c, error));
    if (!c->named && weir_names_count(c->options.names, WEIR_NAMED_COLUMNS) && !c->only_labels)
        weir__csv_note(c, "%s: gives no names of columns: taken in the order of training", c->lines.stream->name);
done:
    return status;
}

// ---- The header.

/// What the first line holds.
typedef struct first_look {
    size_t columns, numbers, texts; ///< numbers and texts: of values and targets, or of labels alone
    size_t text_column;
    weir__field text; ///< the first one
    bool counts;      ///< 0, 1, 2, …, perhaps after an empty field, where pandas names no index
    bool known;       ///< a field is a name that the model knows
    bool words;       ///< a field is a text
} first_look;

static weir_status look(weir__csv *c, first_look *l, weir_error *error) {
    const char *at = c->lines.text.data;
    bool index = false;
    *l = (first_look){.counts = true};
    for (weir__field field; weir__lines_field(&c->lines, &at, &field); l->columns++) {
        double number;
        const char *text = NULL;
        const weir__content content = weir__value_read(&field, &number);
        if (!l->columns) index = content == WEIR__IS_MISSING && field.begin == field.end;
        if (l->columns || !index) l->counts &= content == WEIR__IS_NUMBER && number == (double)(l->columns - index);
        const weir_status status = weir__field_copy(&text, &c->memory, &field, error);
        if (status != WEIR_OK) return status;
        for (weir_named list = WEIR_NAMED_COLUMNS; list <= WEIR_NAMED_LABEL; list++)
            l->known |= list != WEIR_NAMED_CLASSES && weir_names_find(c->options.names, list, text) != SIZE_MAX;
        l->words |= content == WEIR__IS_TEXT;
        const weir__role role = role_of(c, l->columns, NULL);
        if (role == WEIR__ROLE_NONE || (role == WEIR__ROLE_LABEL && !c->only_labels)) continue;
        l->numbers += content == WEIR__IS_NUMBER;
        if (content == WEIR__IS_TEXT && !l->texts++) {
            l->text = field;
            l->text_column = l->columns;
        }
    }
    return WEIR_OK;
}

static bool settings_name_columns(const weir__csv_options *o) {
    return weir__columns_have_names(o->label) || weir__columns_have_names(o->targets) ||
           weir__columns_have_names(o->skipped);
}

static weir_status judge(weir__csv *c, bool *header, bool *counts, weir_error *error) {
    weir_status status = WEIR_OK;
    char text[shown];
    first_look l;
    const char *name = c->lines.stream->name;
    TRY(look(c, &l, error));
    if (l.text.unclosed) return weir__csv_fail(c, l.text_column, &l.text, WEIR__IS_TEXT, error);
    *counts = l.counts;
    *header = c->options.header == WEIR__HEADER_YES;
    if (c->options.header != WEIR__HEADER_AUTO) goto done;
    *header = true;
    if ((settings_name_columns(&c->options) && l.words) || l.known) goto done;
    TRY_THAT(!l.texts || !l.numbers, WEIR_DATA,
             "%s: line %zu has numbers, but in column %zu the text \"%s\": are these names of columns, or values? Say "
             "data.header (--header) yes or no",
             name, c->lines.line, l.text_column,
             weir__show(text, sizeof text, l.text.begin, (size_t)(l.text.end - l.text.begin)));
    *header = l.texts || (l.counts && l.columns >= least_counted);
    if (l.counts && l.columns > 1)
        weir__csv_note(c, "%s: line %zu counts 0, 1, ...: read as %s; data.header (--header) %s otherwise", name,
                       c->lines.line, *header ? "names of columns" : "a row", *header ? "no" : "yes");
done:
    return status;
}

weir_status weir__csv_header(weir__csv *c, bool *header, weir_error *error) {
    weir_status status = WEIR_OK;
    bool counts = false;
    TRY(judge(c, header, &counts, error));
    if (!*header || counts) goto done; // numbers from 0 say no more than the order
    c->named = true;
    TRY(take_columns(c, error));
    TRY(weir__csv_columns(c, error));
done:
    return status;
}
