// SPDX-FileCopyrightText: 2026 The weir authors
// SPDX-License-Identifier: MIT

/// \file order.h
/// The order of the rows of an epoch, without a list of them: a permutation whose value at any place is computed.
#ifndef WEIR_ORDER_H
#define WEIR_ORDER_H

#include <stddef.h>
#include <stdint.h>

#include <weir/random.h>

/// The value at `place` of a permutation of 0 … count − 1 (count ≥ 1, below 2³²) that depends on noise alone: a Feistel
/// network of four rounds over the smallest even number of bits that holds count (Luby and Rackoff, SIAM Journal on
/// Computing 17, 1988), applied again until the value is below count ("cycle walking": Black and Rogaway, CT-RSA 2002);
/// fewer than four times on average.
uint32_t weir__order_at(weir_noise noise, uint32_t count, uint32_t place);

#endif
