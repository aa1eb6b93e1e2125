// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// Texts: row r is tokens r … r + context − 1 of a file, its label the token behind them. The file is mapped; rows of
// bytes are the file itself, so that a text may be larger than memory. What is made of it, tokens of characters and
// labels, is memory, or where it is long a temporary file without a name, mapped as well.

#define _DEFAULT_SOURCE // MAP_ANONYMOUS

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataset.h"
#include "scale.h"
#include "words.h"

enum { BYTES = 256, CODE_POINTS = WEIR__CODE_POINTS, parts_split_off = 20 };
static const size_t small_size = (size_t)64 << 20;

typedef struct mapping {
    void *at;
    size_t size;
} mapping;

struct weir__text {
    mapping file, tokens, labels, token_bytes;
    uint8_t lengths[CODE_POINTS]; // bytes of each token
};

static void unmap(mapping *m) {
    if (m->at) munmap(m->at, m->size);
    *m = (mapping){0};
}

void weir__text_free(weir__text *text) {
    if (!text) return;
    unmap(&text->file);
    unmap(&text->tokens);
    unmap(&text->labels);
    unmap(&text->token_bytes);
    weir__free(text);
}

// A temporary file that has lost its name; −1 where there is none.
static int nameless_file(size_t size) {
    char path[4096];
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/weir-text-XXXXXX", folder && *folder ? folder : "/var/tmp");
    const int file = mkstemp(path);
    if (file < 0) return -1;
    unlink(path);
    if (ftruncate(file, (off_t)size) == 0) return file;
    close(file);
    return -1;
}

// Zeros to be written.
static weir_status map_new(mapping *m, size_t size, weir_error *error) {
    const int file = size > small_size ? nameless_file(size) : -1;
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, file, 0);
    if (file >= 0) close(file);
    if (at == MAP_FAILED)
        return weir__fail(error, WEIR_MEMORY, "out of memory: %zu bytes for the tokens of a text", size);
    *m = (mapping){at, size};
    return WEIR_OK;
}

static weir_status map_file(mapping *m, const char *path, weir_error *error) {
    struct stat about;
    weir_status status = WEIR_OK;
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    TRY_THAT(file >= 0, errno == ENOENT ? WEIR_NOT_FOUND : WEIR_IO, "%s: cannot be read: %s", path, strerror(errno));
    TRY_THAT(fstat(file, &about) == 0 && S_ISREG(about.st_mode), WEIR_IO, "%s: is no file; data.path names a text",
             path);
    TRY_THAT(about.st_size > 0, WEIR_DATA, "%s: is empty", path);
    void *at = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    TRY_THAT(at != MAP_FAILED, WEIR_IO, "%s: cannot be mapped: %s", path, strerror(errno));
    *m = (mapping){at, (size_t)about.st_size};
done:
    if (file >= 0) close(file);
    return status;
}

// ---- characters ----------------------------------------------------------------------------------------------------

static weir_status fail_character(const char *name, const uint8_t *text, size_t at, weir_error *error) {
    size_t line = 1;
    if (!text[at])
        return weir__fail(error, WEIR_DATA, "%s: byte %zu is 0, which has no name; use data.tokens \"bytes\"", name, at);
    for (size_t i = 0; i < at; i++) line += text[i] == '\n';
    return weir__fail(error, WEIR_DATA,
                      "%s: line %zu: byte %zu (0x%02x) is no UTF-8; data.tokens \"bytes\" reads any file", name, line,
                      at, text[at]);
}

static size_t put_character(char out[5], uint32_t code) {
    const size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    memset(out, 0, 5);
    for (size_t i = length; i-- > 1; code >>= 6) out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(length == 1 ? code : (0xf00u >> length & 0xff) | code);
    return length;
}

// The names of bytes: themselves where they can be printed, else as in "0x0a".
static weir_status name_bytes(weir_names *names, weir_error *error) {
    char texts[BYTES][5];
    const char *items[BYTES];
    for (int b = 0; b < BYTES; b++) {
        snprintf(texts[b], sizeof texts[b], b > ' ' && b < 0x7f ? "%c" : "0x%02x", b);
        items[b] = texts[b];
    }
    return weir_names_set(names, WEIR_NAMED_CLASSES, items, BYTES, error);
}

// The characters that occur, in the order of their numbers; class_of [CODE_POINTS] gets 1 + the class of each.
static weir_status name_characters(weir_names *names, int32_t *class_of, weir_error *error) {
    weir_status status = WEIR_OK;
    size_t count = 0;
    char(*texts)[5] = NULL;
    const char **items = NULL;
    for (size_t c = 0; c < CODE_POINTS; c++) count += class_of[c] != 0;
    TRY(weir__new((void *)&texts, count, sizeof *texts, "characters", error));
    TRY(weir__new((void *)&items, count, sizeof *items, "characters", error));
    count = 0;
    for (uint32_t c = 0; c < CODE_POINTS; c++) {
        if (!class_of[c]) continue;
        put_character(texts[count], c);
        items[count] = texts[count];
        class_of[c] = (int32_t)++count;
    }
    TRY(weir_names_set(names, WEIR_NAMED_CLASSES, items, count, error));
done:
    weir__free((void *)texts);
    weir__free((void *)items);
    return status;
}

// 1 + the class of each character that has a name; another character is told.
static void classes_of(int32_t *class_of, const weir_names *names) {
    for (size_t k = 0; k < weir_names_count(names, WEIR_NAMED_CLASSES); k++) {
        uint32_t code = 0;
        const char *text = weir_names_at(names, WEIR_NAMED_CLASSES, k);
        const size_t length = weir__utf8_next((const uint8_t *)text, strlen(text), &code);
        if (length == strlen(text)) class_of[code] = (int32_t)k + 1;
    }
}

// Marks in class_of the characters that occur, and counts all.
static weir_status mark_characters(int32_t *class_of, size_t *count, const uint8_t *text, size_t size, const char *name,
                                   weir_error *error) {
    *count = 0;
    for (size_t at = 0, length; at < size; at += length, ++*count) {
        uint32_t code = 0;
        length = weir__utf8_next(text + at, size - at, &code);
        if (!length || !code) return fail_character(name, text, at, error);
        class_of[code] = 1;
    }
    return WEIR_OK;
}

static weir_status fail_unknown(const char *name, uint32_t code, weir_error *error) {
    char text[5];
    put_character(text, code);
    return weir__fail(error, WEIR_DATA, "%s: the character \"%s\" (U+%04X) is none of those that the model knows", name,
                      text, code);
}

// Tokens of words, room for `length` of them.
static weir_status find_words(int32_t *out, size_t *count, const uint8_t *bytes, size_t length, const weir_names *names,
                              weir_error *error) {
    weir_status status = WEIR_OK;
    weir__texts index = {0};
    char word[WEIR__WORD_MOST + 1];
    TRY(weir__words_index(&index, names, error));
    for (size_t at = 0, one; at < length; at += one, ++*count) {
        one = weir__word_next(word, bytes + at, length - at);
        if (!one) TRY(fail_character("the text", bytes, at, error));
        out[*count] = (int32_t)weir__word_class(&index, word);
    }
done:
    weir__texts_free(&index);
    return status;
}

weir_status weir_text_tokens(int32_t **tokens, size_t *count, const char *text, size_t length, const char *kind,
                             const weir_names *names, weir_error *error) {
    weir_status status = WEIR_OK;
    const uint8_t *bytes = (const uint8_t *)text;
    int32_t *class_of = NULL, *out = NULL;
    const bool characters = strcmp(kind, "characters") == 0, words = strcmp(kind, "words") == 0;
    *tokens = NULL;
    *count = 0;
    TRY_THAT(characters || words || strcmp(kind, "bytes") == 0, WEIR_ARGUMENT,
             "unknown tokens \"%s\"; there are bytes, characters and words", kind);
    TRY(weir__new(&out, length, sizeof *out, "tokens", error));
    if (characters) {
        TRY(weir__new(&class_of, CODE_POINTS, sizeof *class_of, "characters", error));
        classes_of(class_of, names);
    }
    if (words) TRY(find_words(out, count, bytes, length, names, error));
    for (size_t at = 0, one = 1; !words && at < length; at += one, ++*count) {
        uint32_t code = bytes[at];
        one = characters ? weir__utf8_next(bytes + at, length - at, &code) : 1;
        if (!one) TRY(fail_character("the text", bytes, at, error));
        if (characters && !class_of[code]) TRY(fail_unknown("the text", code, error));
        out[*count] = characters ? class_of[code] - 1 : (int32_t)code;
    }
    *tokens = out;
    out = NULL;
done:
    weir__free(class_of);
    weir__free(out);
    return status;
}

// ---- a data set ----------------------------------------------------------------------------------------------------

// Tokens of characters, a byte each where 256 classes are enough, else a float; their number may be known.
static weir_status take_characters(weir_data *data, weir_rows *rows, size_t *count, const weir_data_options *o,
                                   weir_error *error) {
    weir_status status = WEIR_OK;
    weir__text *t = data->text;
    const uint8_t *text = t->file.at;
    int32_t *class_of = NULL;
    TRY(weir__new(&class_of, CODE_POINTS, sizeof *class_of, "characters", error));
    TRY(mark_characters(class_of, count, text, t->file.size, o->path, error));
    if (weir_names_count(data->names, WEIR_NAMED_CLASSES)) {
        memset(class_of, 0, CODE_POINTS * sizeof *class_of);
        classes_of(class_of, data->names);
    } else {
        TRY(name_characters(data->names, class_of, error));
    }
    const bool narrow = weir_names_count(data->names, WEIR_NAMED_CLASSES) <= BYTES;
    TRY(map_new(&t->tokens, *count * (narrow ? 1 : sizeof(float)), error));
    rows->bytes = narrow ? t->tokens.at : NULL;
    rows->floats = narrow ? NULL : t->tokens.at;
    for (size_t at = 0, k = 0, length; at < t->file.size; at += length, k++) {
        uint32_t code = 0;
        length = weir__utf8_next(text + at, t->file.size - at, &code);
        if (!class_of[code]) TRY(fail_unknown(o->path, code, error));
        const int32_t class = class_of[code] - 1;
        t->lengths[class] = (uint8_t)length;
        if (narrow)
            rows->bytes[k] = (uint8_t) class;
        else
            rows->floats[k] = (float)class;
    }
done:
    weir__free(class_of);
    return status;
}

// Tokens of words, a byte each where 256 classes are enough, else a float; and how many bytes of the text each is.
static weir_status take_words(weir_data *data, weir_rows *rows, size_t *count, const weir_data_options *o,
                              weir_error *error) {
    weir_status status = WEIR_OK;
    weir__text *t = data->text;
    const uint8_t *text = t->file.at;
    weir__texts index = {0};
    char word[WEIR__WORD_MOST + 1];
    size_t bad = 0;
    *count = 0;
    if (!weir_names_count(data->names, WEIR_NAMED_CLASSES)) {
        status = weir__words_name(data->names, o->vocabulary, text, t->file.size, &bad, error);
        if (status == WEIR_DATA) status = fail_character(o->path, text, bad, error);
        TRY(status);
    }
    TRY(weir__words_index(&index, data->names, error));
    for (size_t at = 0, length; at < t->file.size; at += length, ++*count) {
        length = weir__word_next(word, text + at, t->file.size - at);
        if (!length) TRY(fail_character(o->path, text, at, error));
    }
    const bool narrow = weir_names_count(data->names, WEIR_NAMED_CLASSES) <= BYTES;
    TRY(map_new(&t->tokens, *count * (narrow ? 1 : sizeof(float)), error));
    TRY(map_new(&t->token_bytes, *count, error));
    rows->bytes = narrow ? t->tokens.at : NULL;
    rows->floats = narrow ? NULL : t->tokens.at;
    rows->token_bytes = t->token_bytes.at;
    for (size_t at = 0, k = 0, length; at < t->file.size; at += length, k++) {
        length = weir__word_next(word, text + at, t->file.size - at);
        const size_t class = weir__word_class(&index, word);
        ((uint8_t *)t->token_bytes.at)[k] = (uint8_t)length;
        if (narrow)
            rows->bytes[k] = (uint8_t) class;
        else
            rows->floats[k] = (float)class;
    }
done:
    weir__texts_free(&index);
    return status;
}

static weir_status take_tokens(weir_data *data, weir_rows *rows, size_t *count, const weir_data_options *o,
                               weir_error *error) {
    if (strcmp(o->tokens, "characters") == 0) return take_characters(data, rows, count, o, error);
    if (strcmp(o->tokens, "words") == 0) return take_words(data, rows, count, o, error);
    rows->bytes = data->text->file.at; // only read
    *count = data->text->file.size;
    memset(data->text->lengths, 1, BYTES);
    return weir_names_count(data->names, WEIR_NAMED_CLASSES) ? WEIR_OK : name_bytes(data->names, error);
}

// Training rows, then validation rows, then test rows, as they stand in the text.
static weir_status split(weir_data *data, const weir_data_options *o, weir_error *error) {
    weir_status status = WEIR_OK;
    const weir__labelled *set = &data->sets[0];
    const size_t all = set->rows->shape.rows, usual = all / parts_split_off ? all / parts_split_off : 1;
    const size_t valid = o->valid ? o->valid : usual, test = o->test ? o->test : usual;
    TRY_THAT(valid < all && test < all - valid && o->train <= all - valid - test, WEIR_DATA,
             "%s: %zu tokens with a context are too few for %zu training, %zu validation and %zu test tokens", o->path,
             all, o->train ? o->train : 1, valid, test);
    data->train = weir__part_of(set, 0, o->train ? o->train : all - valid - test);
    data->valid = weir__part_of(set, all - valid - test, valid);
    data->test = weir__part_of(set, all - test, test);
done:
    return status;
}

weir_status weir__load_text(weir_data *data, const weir_data_options *o, weir_error *error) {
    weir_status status = WEIR_OK;
    size_t count = 0;
    weir_rows *rows = NULL;
    const size_t context = o->context;
    TRY_THAT(weir__given(o->path), WEIR_NOT_FOUND, "no file given for the \"text\" data; --data FILE names it");
    TRY_THAT(weir__wants_labels(o) && (!o->binarise || strcmp(o->binarise, "none") == 0), WEIR_CONFIG,
             "data.targets and data.binarise have no effect with data.source text; leave them out");
    TRY(weir__new(&data->text, 1, sizeof *data->text, "a text", error));
    TRY(map_file(&data->text->file, o->path, error));
    TRY(weir_names_copy(&data->names, o->known_names, error));
    if (!data->names) TRY(weir_names_create(&data->names, error));
    TRY(weir_scale_create(&data->scale, "none", 0, error));
    TRY(weir__new(&rows, 1, sizeof *rows, "rows", error));
    *rows = (weir_rows){.scale = 1, .borrowed = true, .stride = 1, .lengths = data->text->lengths};
    data->sets[0] = (weir__labelled){.rows = rows, .borrowed = true};
    TRY(take_tokens(data, rows, &count, o, error));
    TRY_THAT(count > context + 2, WEIR_DATA, "%s: %zu tokens; a context of %zu needs at least %zu", o->path, count,
             context, context + 3);
    TRY_THAT(count - context < UINT32_MAX, WEIR_DATA, "%s: %zu tokens; at most 2^32 are numbered", o->path, count);
    rows->shape = (weir_shape){.rows = count - context, .columns = context, .height = 1, .width = context};
    TRY(map_new(&data->text->labels, rows->shape.rows * sizeof(int32_t), error));
    int32_t *labels = data->text->labels.at;
    for (size_t r = 0; r < rows->shape.rows; r++)
        labels[r] = rows->bytes ? rows->bytes[r + context] : (int32_t)rows->floats[r + context];
    data->sets[0].labels = labels;
    TRY(split(data, o, error));
done:
    return status;
}
