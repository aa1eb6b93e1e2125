// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Every different text is kept once. Only when all rows are read it is known whether they are numbers.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "labels.h"

enum { shown = 40 };

// Words that mean "no label" unless they stand in quotes. Fewer than those of values: "none" and "-" may be classes.
static bool is_missing(const weir__field *field) {
    static const char *const words[] = {"?", "NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL"};
    const size_t length = (size_t)(field->end - field->begin);
    for (size_t i = 0; !field->quoted && i < sizeof words / sizeof *words; i++) {
        if (strlen(words[i]) == length && !strncmp(field->begin, words[i], length)) return true;
    }
    return !length;
}

static weir_status push(weir__growing *to, const void *value, size_t size, weir_error *error) {
    to->size = size;
    const weir_status status = weir__grow(to, 1, "labels", error);
    if (status == WEIR_OK) memcpy((char *)to->data + to->count++ * size, value, size);
    return status;
}

// Where a label stands, for a message.
static const char *place_of(const weir__labels *l, size_t line, char text[shown]) {
    if (l->of_array)
        snprintf(text, shown, "label %zu", line);
    else
        snprintf(text, shown, "line %zu, column %zu", line, l->column);
    return text;
}

weir_status weir__labels_add(weir__labels *l, const weir__field *field, size_t line, weir_error *error) {
    weir_status status = WEIR_OK;
    const char *text = NULL;
    size_t number = 0, before = l->texts.count;
    int32_t entry = -1;
    char buffer[shown], place[shown];
    if (is_missing(field)) {
        TRY_THAT(l->may_lack, WEIR_DATA, "%s: %s: the label is missing (\"%s\"); fill it in, or leave "
                 "out the row", l->file, place_of(l, line, place),
                 weir__show(buffer, sizeof buffer, field->begin, (size_t)(field->end - field->begin)));
    } else {
        TRY(weir__field_copy(&text, &l->memory, field, error));
        TRY(weir__texts_add(&l->texts, &number, text, error));
        TRY_THAT(number < INT32_MAX, WEIR_DATA, "%s: too many different labels", l->file);
        if (number == before) TRY(push(&l->lines, &line, sizeof line, error));
        entry = (int32_t)number;
    }
    TRY(push(&l->numbers, &entry, sizeof entry, error));
done:
    return status;
}

static weir_status fail_label(const weir__labels *l, size_t number, const char *what, weir_error *error) {
    char buffer[shown], place[shown];
    const char *text = l->texts.items[number];
    return weir__fail(error, WEIR_DATA, "%s: %s: label %s%s%s; %s", l->file,
                      place_of(l, ((const size_t *)l->lines.data)[number], place), what ? "\"" : "",
                      weir__show(buffer, sizeof buffer, text, strlen(text)), what ? "\"" : "",
                      what ? what : "labels are whole numbers, 0 or more, or names");
}

static bool read_number(const char *text, double *number) {
    const weir__field field = {.begin = text, .end = text + strlen(text)};
    return weir__field_read(&field, number) == WEIR__IS_NUMBER;
}

// ---- Classes that are known.

static size_t find_class(const weir_names *known, const char *text) {
    const size_t found = weir_names_find(known, WEIR_NAMED_CLASSES, text);
    double number, other;
    if (found != SIZE_MAX || !read_number(text, &number)) return found;
    for (size_t k = 0; k < weir_names_count(known, WEIR_NAMED_CLASSES); k++) {
        if (read_number(weir_names_at(known, WEIR_NAMED_CLASSES, k), &other) && other == number) return k;
    }
    return SIZE_MAX;
}

static weir_status match_known(const weir__labels *l, int32_t *classes, const weir_names *known, weir_error *error) {
    char list[160], text[400];
    for (size_t i = 0; i < l->texts.count; i++) {
        const size_t k = find_class(known, l->texts.items[i]);
        classes[i] = (int32_t)k;
        if (k != SIZE_MAX) continue;
        snprintf(text, sizeof text, "none of the classes that were trained: %s%s",
                 weir__names_text(list, sizeof list, known, WEIR_NAMED_CLASSES),
                 weir__names_hint(known, WEIR_NAMED_CLASSES, l->texts.items[i]).text);
        return fail_label(l, i, text, error);
    }
    return WEIR_OK;
}

// ---- Classes that are new.

/// What all labels are.
typedef struct kinds {
    size_t texts, negative; ///< labels that are no numbers, or whole ones below 0
    size_t broken;          ///< the first that is a number and not whole, or too large; SIZE_MAX: none
    size_t unusual;         ///< the first of either; SIZE_MAX: none
} kinds;

static kinds look(const weir__labels *l) {
    kinds k = {.broken = SIZE_MAX, .unusual = SIZE_MAX};
    for (size_t i = 0; i < l->texts.count; i++) {
        double number;
        const bool text = !read_number(l->texts.items[i], &number);
        k.texts += text;
        k.negative += !text && number < 0;
        if (k.unusual == SIZE_MAX && k.texts + k.negative) k.unusual = i;
        if (text) continue;
        const bool whole = fabs(number) < INT32_MAX && number == floor(number);
        if (!whole && k.broken == SIZE_MAX) k.broken = i;
    }
    return k;
}

/// A label on its way to its class.
typedef struct entry {
    const char *text;
    double number;
    size_t from;
} entry;

static int by_number(const void *left, const void *right) {
    const entry *a = left, *b = right;
    if (a->number < b->number || a->number > b->number) return a->number < b->number ? -1 : 1;
    return a->from < b->from ? -1 : a->from > b->from;
}

static int by_text(const void *left, const void *right) {
    return strcmp(((const entry *)left)->text, ((const entry *)right)->text);
}

// Sorted: numbers by size, the equal ones one class; texts by their bytes, as NumPy's unique sorts them.
static weir_status name_classes(const weir__labels *l, int32_t *classes, weir_names *fresh, bool numbers,
                                weir_error *error) {
    weir_status status = WEIR_OK;
    const size_t count = l->texts.count;
    entry *entries = NULL;
    const char **names = NULL;
    char place[shown];
    size_t made = 0;
    TRY(weir__new(&entries, count, sizeof *entries, "classes", error));
    TRY(weir__new((void *)&names, count, sizeof *names, "classes", error));
    for (size_t i = 0; i < count; i++) {
        entries[i] = (entry){.text = l->texts.items[i], .from = i};
        (void)read_number(entries[i].text, &entries[i].number);
        TRY_THAT(weir__is_utf8(entries[i].text), WEIR_DATA, "%s: %s: the label is not in UTF-8", l->file,
                 place_of(l, ((const size_t *)l->lines.data)[i], place));
    }
    qsort(entries, count, sizeof *entries, numbers ? by_number : by_text);
    for (size_t i = 0; i < count; i++) {
        const bool same = numbers && i && entries[i].number == entries[i - 1].number;
        if (!same) names[made++] = entries[i].text;
        classes[entries[i].from] = (int32_t)made - 1;
    }
    TRY(weir_names_set(fresh, WEIR_NAMED_CLASSES, names, made, error));
done:
    weir__free(entries);
    weir__free((void *)names);
    return status;
}

static void note_names(const weir__labels *l, const kinds *k, const weir_names *fresh, char *note) {
    char list[120];
    const size_t rows = l->numbers.count, classes = weir_names_count(fresh, WEIR_NAMED_CLASSES);
    if (!note || *note) return;
    if (rows > 20 && 2 * classes > rows)
        weir__print(note, WEIR_NOTE, l->of_array ? "%s: %zu different labels in %zu rows: are they labels?"
                                                 : "%s: %zu different labels in %zu rows: is column %zu the label?",
                    l->file, classes, rows, l->column);
    else if (k->texts < l->texts.count)
        weir__print(note, WEIR_NOTE, "%s: labels are taken as names of %zu classes: %s", l->file, classes,
                    weir__names_text(list, sizeof list, fresh, WEIR_NAMED_CLASSES));
}

static weir_status find_classes(const weir__labels *l, int32_t *classes, const weir_names *known, weir_names *fresh,
                                char *note, weir_error *error) {
    weir_status status = WEIR_OK;
    if (weir_names_count(known, WEIR_NAMED_CLASSES)) return match_known(l, classes, known, error);
    const kinds k = look(l);
    const bool named = k.texts || k.negative;
    if (!k.texts && k.broken != SIZE_MAX)
        return fail_label(l, k.broken,
                          fresh ? "labels are whole numbers or names; a value to be predicted is a target (data.targets "
                                  "values, data.target_columns)"
                                : NULL,
                          error);
    if (named && !fresh)
        return fail_label(l, k.unusual, known ? "the classes that were trained are numbers" : NULL, error);
    if (named) {
        TRY(name_classes(l, classes, fresh, !k.texts, error));
        note_names(l, &k, fresh, note);
        goto done;
    }
    for (size_t i = 0; i < l->texts.count; i++) {
        double number = 0;
        (void)read_number(l->texts.items[i], &number);
        classes[i] = (int32_t)number;
    }
done:
    return status;
}

weir_status weir__labels_finish(weir__labels *l, int32_t **out, const weir_names *known, weir_names *fresh, char *note,
                                weir_error *error) {
    weir_status status = WEIR_OK;
    int32_t *classes = NULL, *numbers = l->numbers.data;
    TRY(weir__new(&classes, l->texts.count, sizeof *classes, "classes", error));
    TRY(find_classes(l, classes, known, known ? NULL : fresh, note, error));
    for (size_t i = 0; i < l->numbers.count; i++) numbers[i] = numbers[i] < 0 ? -1 : classes[numbers[i]];
    *out = numbers;
    l->numbers.data = NULL;
done:
    weir__free(classes);
    return status;
}

void weir__labels_free(weir__labels *l) {
    weir__texts_free(&l->texts);
    weir__free(l->lines.data);
    weir__free(l->numbers.data);
    weir__free(l->memory.data);
}
