// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// IDX headers: the format of the MNIST files. Bytes 0 and 1 are zero, byte 2 is the type, byte 3 the number of
// dimensions; then one big-endian 32-bit size per dimension.

#include "array.h"

static bool element_of(uint8_t type, weir__element *element) {
    static const struct {
        uint8_t type;
        weir__element element;
    } types[] = {{0x08, WEIR__U8},  {0x09, WEIR__I8},  {0x0B, WEIR__I16},
                 {0x0C, WEIR__I32}, {0x0D, WEIR__F32}, {0x0E, WEIR__F64}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (types[i].type != type) continue;
        *element = types[i].element;
        return true;
    }
    return false;
}

weir_status weir__idx_header(weir__array *array, weir__stream *stream, weir_error *error) {
    weir_status status = WEIR_OK;
    uint8_t magic[4], size[4];
    *array = (weir__array){.big_endian = true};
    TRY(weir__stream_read(stream, magic, sizeof magic, "the IDX magic number", error));
    TRY_THAT(
        !magic[0] && !magic[1] && element_of(magic[2], &array->element), WEIR_FORMAT,
        "%s: IDX magic number 0x%02x%02x%02x%02x: bytes 0 and 1 must be 0, byte 2 a type: 08, 09, 0b, 0c, 0d or 0e",
        stream->name, magic[0], magic[1], magic[2], magic[3]);
    TRY_THAT(magic[3] >= 1 && magic[3] <= weir__array_ranks, WEIR_FORMAT,
             "%s: IDX header: %d dimensions; 1 to %d are supported", stream->name, magic[3], weir__array_ranks);
    array->rank = magic[3];
    for (size_t i = 0; i < array->rank; i++) {
        TRY(weir__stream_read(stream, size, sizeof size, "the sizes of the IDX header", error));
        array->sizes[i] = (size_t)size[0] << 24 | (size_t)size[1] << 16 | (size_t)size[2] << 8 | size[3];
    }
done:
    return status;
}
