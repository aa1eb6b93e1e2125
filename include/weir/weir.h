// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file weir.h
/// Neural networks with stochastic neurons and conditional computation: everything public.
#ifndef WEIR_H
#define WEIR_H

#include "calibration.h"
#include "data.h"
#include "estimate.h"
#include "graph.h"
#include "layer.h"
#include "machine.h"
#include "model.h"
#include "optimizer.h"
#include "plan.h"
#include "random.h"
#include "status.h"
#include "system.h"
#include "train.h"
#include "units.h"

#endif
