// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file weir.h
/// Neural networks with stochastic neurons and conditional computation: everything public.
///
/// **Arguments.** First the object that works, or the one that is made; then what is written, then what is read, then
/// sizes and options; the weir_error last. Functions that a program hands in (objectives, penalties, rules) get their
/// context first, then sizes, what they read, what they write.
///
/// **NULL.** A pointer may be NULL only where its comment says so. The weir_error always may, and every `…_free` takes
/// NULL.
///
/// **Threads.** There is no global object, no global generator and no last error: different objects are independent.
/// Each type says in one sentence how many threads may use one of its objects. Settings of the whole process
/// (weir_isa_use, weir_threads_use, weir_plan_use, weir_calibration_use) are made while no other thread runs a weir
/// function.
///
/// **Versions.** While the major version is 0, a new minor version means: compile again. Any public struct may grow
/// with it, any enum may get values, any function may change. A patch version changes none of them. The shared library
/// is therefore named libweir.so.0.MINOR, a program compiled against another minor version does not start, and
/// find_package accepts the same minor version only. So that compiling again is all there is to do, options come from
/// their `…_options_default`, and plain descriptions (weir_node, weir_pass) are initialised by names of fields:
/// a field that is not named is 0, which means "not said". No struct has a size or a version field.
#ifndef WEIR_H
#define WEIR_H

#include "calibration.h"
#include "config.h"
#include "data.h"
#include "estimate.h"
#include "extreme.h"
#include "file.h"
#include "graph.h"
#include "kind.h"
#include "lab.h"
#include "layer.h"
#include "machine.h"
#include "model.h"
#include "names.h"
#include "optimizer.h"
#include "options.h"
#include "plan.h"
#include "random.h"
#include "sae.h"
#include "sparse.h"
#include "status.h"
#include "summary.h"
#include "system.h"
#include "train.h"
#include "units.h"
#include "upcycle.h"

#endif
