// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT
#include "sae.h"
struct weir__sae_coarse {
    int x;
};
void weir__sae_coarse_free(weir__sae_coarse *coarse) { weir__free(coarse); }
void weir__sae_coarse_update(weir_sae *sae, size_t feature) { (void)sae, (void)feature; }
