// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

// What the last bits of a run depend on beside its settings and rows: the kernels' instruction set and weir's version
// round in their own ways, and the plan chooses the way of each product by rates and threads, or is told it
// (WEIR_PLAN). (The same plan gives the same bits for any number of threads.) Checkpoints carry it; a run may go on
// elsewhere, which is said.

#include <string.h>
#include <zlib.h>

#include "../core/core.h"
#include "../kernels/product.h"
#include "trainer.h"
#include <weir/calibration.h>

weir__machine_text weir__machine_now(void) {
    weir__machine_text now;
    weir_calibration rates;
    weir_calibration_current(&rates);
    uLong checksum = crc32_z(0, (const unsigned char *)rates.rates, sizeof rates.rates);
    checksum = crc32_z(checksum, (const unsigned char *)&rates.pair_seconds, sizeof rates.pair_seconds);
    checksum = crc32_z(checksum, (const unsigned char *)&rates.float_seconds, sizeof rates.float_seconds);
    snprintf(now.text, sizeof now.text, "weir %s, %s, %d thread%s, rates %08lx, BLAS for %s, plan %s", weir_version(),
             weir_isa_name(weir_isa_current()), weir_threads(), weir_threads() == 1 ? "" : "s", checksum,
             weir_blas_core(), weir_way_name(weir__plan_wanted()));
    return now;
}

weir_status weir__machine_compare(weir_trainer *trainer, const char *saved, weir_error *error) {
    static const char format[] = "the checkpoint was written by %s; this is %s: the run goes on, but not bit for bit";
    const weir__machine_text now = weir__machine_now();
    weir__free(trainer->remark);
    trainer->remark = NULL;
    if (saved && !strcmp(saved, now.text)) return WEIR_OK;
    if (!saved) saved = "an unknown machine";
    const size_t room = sizeof format + strlen(saved) + strlen(now.text);
    const weir_status status = weir__new(&trainer->remark, room, 1, "a remark on a checkpoint", error);
    if (status == WEIR_OK) snprintf(trainer->remark, room, format, saved, now.text);
    return status;
}

const char *weir_trainer_remark(const weir_trainer *trainer) { return trainer->remark; }
