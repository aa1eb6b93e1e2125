// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// What a file holds, told by its first bytes: magic numbers where a format has one, the look of the first lines where
// it is a text.

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core.h"

enum { looked_at = 4096, text_looked_at = 256 }; // what comes later in a text is its reader's to judge

const char *weir_content_text(weir_content content) {
    static const char *const texts[] = {
#define CONTENT_TEXT(name, text) text,
        WEIR_CONTENT_LIST(CONTENT_TEXT)
#undef CONTENT_TEXT
    };
    return (unsigned)content < WEIR_CONTENT_COUNT ? texts[content] : "unknown";
}

#define MAGIC(content, text)                                                                                           \
    { WEIR_CONTENT_##content, sizeof text - 1, text }
static const struct {
    weir_content content;
    size_t size;
    const char *bytes;
} magics[] = {
    MAGIC(NPY, "\x93NUMPY"),        MAGIC(GZIP, "\x1f\x8b"),   MAGIC(ZIP, "PK\x03\x04"),  MAGIC(ZIP, "PK\x05\x06"),
    MAGIC(HDF5, "\x89HDF"),         MAGIC(PARQUET, "PAR1"),    MAGIC(MATLAB, "MATLAB"),   MAGIC(PICTURE, "\x89PNG"),
    MAGIC(PICTURE, "\xff\xd8\xff"), MAGIC(PICTURE, "GIF8"),    MAGIC(PICTURE, "BM"),      MAGIC(PICTURE, "II*\0"),
    MAGIC(PICTURE, "MM\0*"),        MAGIC(PICTURE, "P5\n"),    MAGIC(PICTURE, "P6\n"),    MAGIC(PICTURE, "<svg"),
    MAGIC(PICTURE, "<?xml"),        MAGIC(PICKLE, "\x80\x02"), MAGIC(PICKLE, "\x80\x03"), MAGIC(PICKLE, "\x80\x04"),
    MAGIC(PICKLE, "\x80\x05"),
};

static bool is_text(const unsigned char *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        const bool control = bytes[i] < ' ' && !strchr("\t\n\r\f\v", bytes[i]);
        if (!bytes[i] || control || bytes[i] == 127) return false;
    }
    return true;
}

/// "key:" at the end of the line or before a blank, "- item" or "---".
static bool is_yaml_line(const char *line, size_t length) {
    if (length >= 2 && line[0] == '-' && (line[1] == ' ' || line[1] == '-')) return true;
    size_t key = 0;
    while (key < length && (isalnum((unsigned char)line[key]) || strchr("_- .", line[key]))) key++;
    return key && key < length && line[key] == ':' && (key + 1 == length || strchr(" \r", line[key + 1]));
}

/// A line of several values, or of one number.
static bool is_csv_line(const char *line, size_t length) {
    bool number = length > 0;
    for (size_t i = 0; i < length; i++) {
        if (strchr(",;\t", line[i])) return true;
        number = number && strchr("0123456789+-.eE \r", line[i]);
    }
    return number;
}

/// By the first line that is neither empty nor a remark.
static weir_content text_content(const char *text, size_t size) {
    const char *end = text + size;
    bool remark = false;
    for (const char *line = text; line < end;) {
        while (line < end && isspace((unsigned char)*line)) line++;
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        if (!stop) stop = end;
        const size_t length = (size_t)(stop - line);
        if (length && *line != '#') {
            if (*line == '{' || *line == '[') return WEIR_CONTENT_JSON;
            if (is_yaml_line(line, length)) return WEIR_CONTENT_YAML;
            return is_csv_line(line, length) ? WEIR_CONTENT_CSV : WEIR_CONTENT_TEXT;
        }
        remark = remark || length;
        line = stop;
    }
    return remark ? WEIR_CONTENT_YAML : WEIR_CONTENT_TEXT;
}

weir_content weir__content_of(const void *bytes, size_t size) {
    const unsigned char *head = bytes;
    const size_t looked = size < looked_at ? size : looked_at;
    if (!size) return WEIR_CONTENT_EMPTY;
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
        if (looked >= magics[i].size && !memcmp(head, magics[i].bytes, magics[i].size)) return magics[i].content;
    }
    if (looked >= 9 && head[8] == '{' && !head[7]) return WEIR_CONTENT_SAFETENSORS;
    if (!head[0] && (looked < 2 || !head[1])) return WEIR_CONTENT_IDX;
    const bool text = is_text(head, looked < text_looked_at ? looked : text_looked_at);
    return text ? text_content(bytes, looked) : WEIR_CONTENT_BINARY;
}

static bool has(const char *folder, const char *name) {
    char path[4096];
    struct stat about;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return stat(path, &about) == 0;
}

static weir_content folder_content(const char *path) {
    static const char *const files[] = {"checkpoint.safetensors", "metrics.jsonl", "model.safetensors"};
    bool run = has(path, "config.yaml");
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) run = run || has(path, files[i]);
    return run ? WEIR_CONTENT_RUN : WEIR_CONTENT_FOLDER;
}

static weir_status fail_reading(const char *path, int code, weir_error *error) {
    const weir_status status = code == ENOENT || code == ENOTDIR ? WEIR_NOT_FOUND : WEIR_IO;
    return weir__fail(error, status, "%s: cannot be opened: %s", path, strerror(code));
}

weir_status weir_content_find(weir_content *content, const char *path, weir_error *error) {
    struct stat about;
    unsigned char head[looked_at];
    if (stat(path, &about)) return fail_reading(path, errno, error);
    if (S_ISDIR(about.st_mode)) {
        const int folder = open(path, O_RDONLY | O_CLOEXEC);
        if (folder < 0) return fail_reading(path, errno, error);
        close(folder);
        *content = folder_content(path);
        return WEIR_OK;
    }
    if (!S_ISREG(about.st_mode)) {
        *content = WEIR_CONTENT_DEVICE;
        return WEIR_OK;
    }
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return fail_reading(path, errno, error);
    const ssize_t got = read(file, head, sizeof head);
    const int code = errno;
    close(file);
    if (got < 0) return fail_reading(path, code, error);
    *content = weir__content_of(head, (size_t)got);
    return WEIR_OK;
}

weir_status weir_content_expect(weir_content *content, const char *path, unsigned accepted, const char *expected,
                                weir_error *error) {
    weir_content found;
    const weir_status status = weir_content_find(&found, path, error);
    if (status != WEIR_OK) return status;
    if (content) *content = found;
    if (accepted & 1u << found) return WEIR_OK;
    const bool folder = found == WEIR_CONTENT_RUN || found == WEIR_CONTENT_FOLDER;
    return weir__fail(error, folder ? WEIR_IO : WEIR_FORMAT, "%s: is %s, but %s is expected", path, weir_content_text(found), expected);
}
