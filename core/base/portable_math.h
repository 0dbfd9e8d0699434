// Logarithm, exponential, sine and cosine whose bits are the same on every machine.
//
// The C library chooses between variants of them by the processor (with and without fused
// multiply-add), and their last bits differ. These use only +, -, * and /, which IEEE 754 fixes, so
// that a random delay is the same nanosecond everywhere. Relative error below 1e-14 over the ranges
// in which they are used (tested against the C library).
#pragma once

namespace twinbed {

/// Natural logarithm of a positive, finite, normal number.
double portable_log(double x);

/// e to the power of x, for -700 <= x <= 700; values outside are clamped to that range.
double portable_exp(double x);

/// Sine of an angle in radians, for |x| <= 1e6 with an absolute error below 1e-14 up to |x| = 100
/// and below 1e-9 beyond; larger angles are a programmer's error.
double portable_sin(double x);

/// Cosine of an angle in radians, half as exact as portable_sin.
double portable_cos(double x);

}  // namespace twinbed
