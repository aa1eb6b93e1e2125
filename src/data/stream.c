// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The reader under all file formats. zlib passes plain files through unchanged, so that one path serves both.

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stream.h"

enum { buffer_size = 1 << 16 };

static weir_status check_kind(const char *path, int descriptor, weir_error *error) {
    struct stat about;
    if (fstat(descriptor, &about) == 0 && S_ISDIR(about.st_mode))
        return weir__fail(error, WEIR_IO, "%s: is a folder, but a file is needed there", path);
    return WEIR_OK;
}

weir_status weir__stream_open(weir__stream *stream, const char *path, weir_error *error) {
    weir_status status = WEIR_OK;
    int descriptor = -1;
    const bool standard = strcmp(path, "-") == 0;
    *stream = (weir__stream){.name = standard ? "standard input" : path};
    TRY_THAT(*path, WEIR_ARGUMENT, "the name of a data file is empty");
    descriptor = standard ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    TRY_THAT(descriptor >= 0, errno == ENOENT ? WEIR_NOT_FOUND : WEIR_IO, "%s: cannot be opened: %s", stream->name,
             strerror(errno));
    TRY(check_kind(stream->name, descriptor, error));
    TRY(weir__new(&stream->buffer, buffer_size, 1, "a read buffer", error));
    stream->file = gzdopen(descriptor, "rb");
    TRY_THAT(stream->file, WEIR_MEMORY, "out of memory: reading %s", stream->name);
    descriptor = -1;
    gzbuffer(stream->file, buffer_size);
done:
    if (descriptor >= 0) close(descriptor);
    if (status != WEIR_OK) weir__stream_close(stream);
    return status;
}

void weir__stream_close(weir__stream *stream) {
    if (stream->file) gzclose(stream->file);
    weir__free(stream->buffer);
    stream->file = NULL;
    stream->buffer = NULL;
}

static weir_status fail_zlib(const weir__stream *stream, weir_error *error) {
    int code = Z_OK;
    const char *text = gzerror(stream->file, &code);
    if (code == Z_ERRNO) return weir__fail(error, WEIR_IO, "%s: cannot be read: %s", stream->name, strerror(errno));
    if (code == Z_BUF_ERROR)
        return weir__fail(error, WEIR_FORMAT, "%s: its gzip data is cut off; get the file again", stream->name);
    if (code == Z_MEM_ERROR) return weir__fail(error, WEIR_MEMORY, "out of memory: reading %s", stream->name);
    return weir__fail(error, WEIR_FORMAT, "%s: its gzip data is damaged (%s); get the file again", stream->name, text);
}

weir_status weir__stream_fill(weir__stream *stream, weir_error *error) {
    if (stream->at < stream->end || stream->finished) return WEIR_OK;
    stream->at = stream->end = 0;
    const int got = gzread(stream->file, stream->buffer, buffer_size);
    if (got < 0) return fail_zlib(stream, error);
    stream->end = (size_t)got;
    if (got < buffer_size) {
        // A short count is the end; zlib keeps to itself whether the end came in the middle of gzip data.
        int code = Z_OK;
        gzerror(stream->file, &code);
        if (code != Z_OK && code != Z_STREAM_END) return fail_zlib(stream, error);
        stream->finished = true;
    }
    return WEIR_OK;
}

weir_status weir__stream_take(weir__stream *stream, void *out, size_t size, size_t *got, weir_error *error) {
    weir_status status = WEIR_OK;
    uint8_t *to = out;
    *got = 0;
    while (*got < size) {
        TRY(weir__stream_fill(stream, error));
        const size_t ready = stream->end - stream->at, left = size - *got, take = ready < left ? ready : left;
        if (!take) break;
        memcpy(to + *got, stream->buffer + stream->at, take);
        stream->at += take;
        *got += take;
    }
done:
    return status;
}

weir_status weir__stream_read(weir__stream *stream, void *out, size_t size, const char *what, weir_error *error) {
    weir_status status = WEIR_OK;
    size_t got = 0;
    TRY(weir__stream_take(stream, out, size, &got, error));
    TRY_THAT(got == size, WEIR_FORMAT, "%s: ends inside %s; the file is cut off", stream->name, what);
done:
    return status;
}

weir_status weir__stream_expect_end(weir__stream *stream, weir_error *error) {
    weir_status status = WEIR_OK;
    TRY(weir__stream_fill(stream, error));
    TRY_THAT(stream->at == stream->end, WEIR_FORMAT, "%s: holds more data than its header says", stream->name);
done:
    return status;
}
