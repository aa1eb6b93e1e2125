// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file coarse.h
/// Scores by whole numbers of 8 bits (weir_sae_options.scores "int8"): what E is in these, and the search by them.
#ifndef WEIR_SAE_COARSE_H
#define WEIR_SAE_COARSE_H

#include "sae.h"

/// Whether this processor has what it takes.
bool weir__sae_coarse_works(void);

/// The k greatest scores of each row of y, and the dead_k greatest of the dead features: sae->open, sae->dead.
weir_status weir__sae_coarse_find(weir_sae *sae, size_t rows, size_t dead_k, weir_error *error);

/// The row of E has moved. Different features may be updated at a time.
void weir__sae_coarse_update(weir_sae *sae, size_t feature);
/// All rows may have.
void weir__sae_coarse_stale(weir_sae *sae);

void weir__sae_coarse_free(struct weir__sae_coarse *coarse);

#endif
