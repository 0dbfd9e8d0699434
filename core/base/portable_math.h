// Logarithm and exponential whose bits are the same on every machine.
//
// The C library chooses between variants of log and exp by the processor (with and without fused
// multiply-add), and their last bits differ. These use only +, -, * and /, which IEEE 754 fixes, so
// that a random delay is the same nanosecond everywhere. Relative error below 1e-14 over the ranges
// in which they are used (tested against the C library).
#pragma once

namespace twinbed {

/// Natural logarithm of a positive, finite, normal number.
double portable_log(double x);

/// e to the power of x, for -700 <= x <= 700; values outside are clamped to that range.
double portable_exp(double x);

}  // namespace twinbed
