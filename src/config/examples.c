// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// The built-in examples; the build makes their table (cmake/embed_examples.cmake).

#include <weir/config.h>

#include "examples.h"

size_t weir_example_count(void) { return weir__example_count; }

const char *weir_example_name(size_t index) { return index < weir__example_count ? weir__examples[index].name : NULL; }

const char *weir_example_text(size_t index) { return index < weir__example_count ? weir__examples[index].text : NULL; }
