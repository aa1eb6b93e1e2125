// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file events.c
/// Event files of TensorBoard: a sequence of records (TFRecord: the length, its checksum, the bytes, their checksum), each
/// an Event in the encoding of Protocol Buffers. Of event.proto and summary.proto these fields are written:
///
///   Event          1 wall_time (double)   2 step (varint)   3 file_version (bytes)   5 summary (message)
///   Summary        1 value (message, repeated)
///   Summary.Value  1 tag (bytes)          2 simple_value (float)
///
/// Checksums are CRC-32C (Castagnoli; RFC 3720, B.4), rotated and shifted, as TensorFlow's record_writer documents.
#include "cli.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST = 4096, VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

/// Bytes in the making; what does not fit is left out whole, which no event of ours meets.
typedef struct bytes {
    unsigned char data[MOST];
    size_t count;
} bytes;

static void put(bytes *to, const void *from, size_t size) {
    if (size > MOST - to->count) return;
    memcpy(to->data + to->count, from, size);
    to->count += size;
}

static void put_little(bytes *to, uint64_t value, size_t size) {
    for (size_t i = 0; i < size; i++) put(to, &(unsigned char){(unsigned char)(value >> (8 * i))}, 1);
}

static void put_varint(bytes *to, uint64_t value) {
    for (; value >= 0x80; value >>= 7) put(to, &(unsigned char){(unsigned char)(value | 0x80)}, 1);
    put(to, &(unsigned char){(unsigned char)value}, 1);
}

static void put_key(bytes *to, unsigned field, unsigned type) { put_varint(to, field << 3 | type); }

static void put_bytes(bytes *to, unsigned field, const void *from, size_t size) {
    put_key(to, field, BYTES);
    put_varint(to, size);
    put(to, from, size);
}

static uint32_t masked_checksum(const unsigned char *data, size_t size) {
    static const uint32_t polynomial = 0x82f63b78; // reflected
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (polynomial & (0U - (crc & 1)));
    }
    crc = ~crc;
    return (crc >> 15 | crc << 17) + 0xa282ead8U;
}

static bool write_record(FILE *file, const bytes *event) {
    bytes frame = {.count = 0}, tail = {.count = 0};
    put_little(&frame, event->count, 8);
    put_little(&frame, masked_checksum(frame.data, 8), 4);
    put_little(&tail, masked_checksum(event->data, event->count), 4);
    return fwrite(frame.data, 1, frame.count, file) == frame.count &&
           fwrite(event->data, 1, event->count, file) == event->count &&
           fwrite(tail.data, 1, tail.count, file) == tail.count;
}

static bytes event_at(double seconds) {
    bytes event = {.count = 0};
    uint64_t bits;
    memcpy(&bits, &seconds, sizeof bits);
    put_key(&event, 1, FIXED64);
    put_little(&event, bits, 8);
    return event;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

bool cli_events_begin(cli_events *events, const char *folder) {
    static const char version[] = "brain.Event:2";
    char *path = cli_path(folder, CLI_EVENTS);
    *events = (cli_events){.path = path, .file = path != NULL ? fopen(path, "wbe") : NULL};
    if (events->file == NULL) return false;
    bytes event = event_at(now());
    put_bytes(&event, 3, version, sizeof version - 1);
    return write_record(events->file, &event) && fflush(events->file) == 0;
}

bool cli_events_scalar(cli_events *events, const char *tag, uint64_t step, double value) {
    bytes event = event_at(now()), summary = {.count = 0}, one = {.count = 0};
    const float number = (float)value;
    uint32_t bits;
    if (events->file == NULL || !isfinite(value)) return events->file != NULL;
    memcpy(&bits, &number, sizeof bits);
    put_bytes(&one, 1, tag, strlen(tag));
    put_key(&one, 2, FIXED32);
    put_little(&one, bits, 4);
    put_bytes(&summary, 1, one.data, one.count);
    put_key(&event, 2, VARINT);
    put_varint(&event, step);
    put_bytes(&event, 5, summary.data, summary.count);
    return write_record(events->file, &event);
}

bool cli_events_flush(cli_events *events) { return events->file != NULL && fflush(events->file) == 0; }

int cli_events_end(cli_events *events, int status) {
    const bool opened = events->file != NULL;
    if (opened && fclose(events->file) != 0 && status == CLI_OK)
        status = cli_error("cannot write %s: %s", events->path, strerror(errno));
    free(events->path);
    *events = (cli_events){0};
    return status;
}
