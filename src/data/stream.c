// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The reader under all file formats. Packed data is unpacked here and not by zlib's gzread, which ends in silence where
// something that is not gzip follows a gzip member: rows appended to a .gz file as plain text would be lost.

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stream.h"
#include "zip.h"

enum { buffer_size = 1 << 16, gzip_window = 15 + 16, raw_window = -15 };

static weir_status check_kind(const char *path, int descriptor, weir_error *error) {
    struct stat about;
    weir_content content = WEIR_CONTENT_FOLDER;
    if (fstat(descriptor, &about) || !S_ISDIR(about.st_mode)) return WEIR_OK;
    (void)weir_content_find(&content, path, NULL);
    return weir__fail(error, WEIR_IO, "%s: is %s, but a file is needed there", path, weir_content_text(content));
}

static weir_status read_file(weir__stream *stream, uint8_t *to, size_t room, size_t *got, weir_error *error) {
    *got = 0;
    while (*got < room && stream->left && !stream->file_ended) {
        const size_t space = room - *got, wanted = space < stream->left ? space : (size_t)stream->left;
        const ssize_t bytes = read(stream->descriptor, to + *got, wanted);
        if (bytes < 0 && errno == EINTR) continue;
        if (bytes < 0) return weir__fail(error, WEIR_IO, "%s: cannot be read: %s", stream->name, strerror(errno));
        stream->file_ended = bytes == 0;
        *got += (size_t)bytes;
        if (stream->left != UINT64_MAX) stream->left -= (uint64_t)bytes;
    }
    return WEIR_OK;
}

// Packed bytes to look at, unless the file is at its end. Fewer than `least` are left over from before: they are kept.
static weir_status refill(weir__stream *stream, size_t least, weir_error *error) {
    const size_t kept = stream->packed_end - stream->packed_at;
    if (kept >= least) return WEIR_OK;
    memmove(stream->packed, stream->packed + stream->packed_at, kept);
    stream->packed_at = 0;
    stream->packed_end = kept;
    size_t got = 0;
    const weir_status status = read_file(stream, stream->packed + kept, buffer_size - kept, &got, error);
    stream->packed_end += got;
    return status;
}

// ---- Opening.

static bool is_gzip(const uint8_t *bytes, size_t size) { return size >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b; }

static bool is_zip(const uint8_t *bytes, size_t size) {
    return size >= 4 && bytes[0] == 'P' && bytes[1] == 'K' &&
           ((bytes[2] == 3 && bytes[3] == 4) || (bytes[2] == 5 && bytes[3] == 6));
}

static weir_status start_inflater(weir__stream *stream, int window, weir_error *error) {
    if (inflateInit2(&stream->inflater, window) != Z_OK)
        return weir__fail(error, WEIR_MEMORY, "out of memory: reading %s", stream->name);
    stream->inflating = stream->inside = true;
    return WEIR_OK;
}

static weir_status open_entry(weir__stream *stream, const char *array, weir_error *error) {
    weir_status status = WEIR_OK;
    weir__zip_entry entry;
    TRY_THAT(lseek(stream->descriptor, 0, SEEK_CUR) >= 0, WEIR_UNSUPPORTED,
             "%s: a .npz archive cannot be read from a pipe; name the file instead", stream->name);
    TRY(weir__zip_find(&entry, stream->descriptor, stream->name, array, error));
    TRY_THAT(lseek(stream->descriptor, (off_t)entry.offset, SEEK_SET) >= 0, WEIR_IO, "%s: cannot be read: %s",
             stream->name, strerror(errno));
    stream->packed_at = stream->packed_end = 0;
    stream->file_ended = false;
    stream->packing = entry.packing;
    stream->left = entry.packed_bytes;
    stream->expected_checksum = entry.checksum;
    stream->checksum = (uint32_t)crc32_z(0, NULL, 0);
    stream->inside = true;
    if (entry.packing == WEIR__DEFLATE) TRY(start_inflater(stream, raw_window, error));
done:
    return status;
}

static weir_status find_packing(weir__stream *stream, const char *array, weir_error *error) {
    weir_status status = WEIR_OK;
    stream->left = UINT64_MAX;
    TRY(refill(stream, buffer_size, error));
    if (is_zip(stream->packed, stream->packed_end)) {
        TRY(open_entry(stream, array, error));
    } else {
        TRY_THAT(!array, WEIR_FORMAT, "%s: is no .npz archive, so that it has no array \"%s\"", stream->name, array);
        if (is_gzip(stream->packed, stream->packed_end)) {
            stream->packing = WEIR__GZIP;
            TRY(start_inflater(stream, gzip_window, error));
        }
    }
done:
    return status;
}

// The file of "FILE.npz:ARRAY", where no file has the whole name; *array is NULL otherwise.
static weir_status split_name(weir__stream *stream, const char *path, const char **array, weir_error *error) {
    struct stat about;
    const char *colon = strrchr(path, ':');
    *array = NULL;
    if (!colon || colon == path || stat(path, &about) == 0) return WEIR_OK;
    stream->file_name = weir__copy_string(path);
    if (!stream->file_name) return weir__fail(error, WEIR_MEMORY, "out of memory: a file name");
    stream->file_name[colon - path] = 0;
    if (stat(stream->file_name, &about)) return WEIR_OK;
    *array = colon + 1;
    return WEIR_OK;
}

weir_status weir__stream_open(weir__stream *stream, const char *path, weir_error *error) {
    weir_status status = WEIR_OK;
    const bool standard = strcmp(path, "-") == 0;
    const char *array = NULL;
    *stream = (weir__stream){.name = standard ? "standard input" : path};
    TRY_THAT(*path, WEIR_ARGUMENT, "the name of a data file is empty");
    TRY(split_name(stream, path, &array, error));
    const char *file = array ? stream->file_name : path;
    stream->descriptor = standard ? dup(STDIN_FILENO) : open(file, O_RDONLY | O_CLOEXEC);
    stream->opened = stream->descriptor >= 0;
    TRY_THAT(stream->opened, errno == ENOENT ? WEIR_NOT_FOUND : WEIR_IO, "%s: cannot be opened: %s", stream->name,
             strerror(errno));
    TRY(check_kind(stream->name, stream->descriptor, error));
    TRY(weir__new(&stream->buffer, buffer_size, 1, "a read buffer", error));
    TRY(weir__new(&stream->packed, buffer_size, 1, "a read buffer", error));
    TRY(find_packing(stream, array, error));
done:
    if (status != WEIR_OK) weir__stream_close(stream);
    return status;
}

void weir__stream_close(weir__stream *stream) {
    if (stream->inflating) inflateEnd(&stream->inflater);
    if (stream->opened) close(stream->descriptor);
    weir__free(stream->buffer);
    weir__free(stream->packed);
    weir__free(stream->file_name);
    *stream = (weir__stream){0};
}

// ---- Unpacking.

static weir_status fail_packed(const weir__stream *stream, const char *what, weir_error *error) {
    return weir__fail(error, WEIR_FORMAT, "%s: its %s data is %s; get the file again", stream->name,
                      stream->packing == WEIR__GZIP ? "gzip" : "zip", what);
}

// Between two members, or behind the last one. Zeros there are padding; anything else has no place in the format.
static weir_status next_member(weir__stream *stream, bool *more, weir_error *error) {
    weir_status status = WEIR_OK;
    *more = false;
    for (;;) {
        TRY(refill(stream, 2, error));
        const uint8_t *from = stream->packed + stream->packed_at;
        const size_t ready = stream->packed_end - stream->packed_at;
        if (!ready) break;
        if (is_gzip(from, ready)) {
            if (inflateReset(&stream->inflater) != Z_OK) return fail_packed(stream, "damaged", error);
            *more = stream->inside = true;
            break;
        }
        TRY_THAT(
            !*from, WEIR_FORMAT,
            "%s: something that is not gzip data follows its gzip data, which no reader would see; unpack the file "
            "and put it together again",
            stream->name);
        stream->packed_at++;
    }
done:
    return status;
}

// Unpacks into the buffer until it is full or the data ends.
static weir_status inflate_more(weir__stream *stream, weir_error *error) {
    weir_status status = WEIR_OK;
    z_stream *z = &stream->inflater;
    while (stream->end < buffer_size) {
        if (!stream->inside) {
            bool more = false;
            if (stream->packing == WEIR__GZIP) TRY(next_member(stream, &more, error));
            if (!more) break;
        }
        TRY(refill(stream, 1, error));
        if (stream->packed_at == stream->packed_end) return fail_packed(stream, "cut off", error);
        z->next_in = stream->packed + stream->packed_at;
        z->avail_in = (uInt)(stream->packed_end - stream->packed_at);
        z->next_out = stream->buffer + stream->end;
        z->avail_out = (uInt)(buffer_size - stream->end);
        const int code = inflate(z, Z_NO_FLUSH);
        stream->packed_at = stream->packed_end - z->avail_in;
        stream->end = buffer_size - z->avail_out;
        TRY_THAT(code != Z_MEM_ERROR, WEIR_MEMORY, "out of memory: reading %s", stream->name);
        if (code == Z_STREAM_END) stream->inside = false;
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) return fail_packed(stream, "damaged", error);
    }
done:
    return status;
}

static weir_status copy_more(weir__stream *stream, weir_error *error) {
    const size_t ready = stream->packed_end - stream->packed_at;
    memcpy(stream->buffer, stream->packed + stream->packed_at, ready);
    stream->packed_at = stream->packed_end = 0;
    stream->end = ready;
    if (ready) return WEIR_OK;
    const weir_status status = read_file(stream, stream->buffer, buffer_size, &stream->end, error);
    if (status != WEIR_OK) return status;
    if (stream->packing == WEIR__STORED && stream->end < buffer_size && stream->left)
        return fail_packed(stream, "cut off", error);
    return WEIR_OK;
}

static bool is_entry(const weir__stream *stream) {
    return stream->packing == WEIR__STORED || stream->packing == WEIR__DEFLATE;
}

weir_status weir__stream_fill(weir__stream *stream, weir_error *error) {
    weir_status status = WEIR_OK;
    if (stream->at < stream->end || stream->finished) return WEIR_OK;
    stream->at = stream->end = 0;
    const bool inflated = stream->packing == WEIR__GZIP || stream->packing == WEIR__DEFLATE;
    TRY(inflated ? inflate_more(stream, error) : copy_more(stream, error));
    stream->finished = !stream->end;
    if (!is_entry(stream)) goto done;
    stream->checksum = (uint32_t)crc32_z(stream->checksum, stream->buffer, stream->end);
    if (stream->finished && stream->checksum != stream->expected_checksum)
        status = fail_packed(stream, "damaged", error);
done:
    if (status != WEIR_OK) stream->at = stream->end = 0;
    return status;
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
