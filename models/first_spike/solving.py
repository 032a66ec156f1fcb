"""Crossings of many neurons at once, as LLVM vector code: see :mod:`.simd` for why."""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic

from .crossing import INVERSE_FACTORIALS
from .simd import Vectors, data_pointer

LANES = 8  # entries of arrays that are solved at once


class _Number:
    """A vector of doubles in an expression; every operation rounds once."""

    def __init__(self, vectors: Vectors, value: Any) -> None:
        self.vectors, self.value = vectors, value

    def _of(self, operation: str, other: Any) -> _Number:
        other = other.value if isinstance(other, _Number) else self.vectors.constant(other)
        return _Number(self.vectors, getattr(self.vectors.builder, operation)(self.value, other))

    def __add__(self, other: Any) -> _Number:
        return self._of("fadd", other)

    def __sub__(self, other: Any) -> _Number:
        return self._of("fsub", other)

    def __mul__(self, other: Any) -> _Number:
        return self._of("fmul", other)

    def __truediv__(self, other: Any) -> _Number:
        return self._of("fdiv", other)

    def __neg__(self) -> _Number:
        return _Number(self.vectors, self.vectors.builder.fneg(self.value))

    def compared(self, operator: str, other: Any) -> Any:
        other = other.value if isinstance(other, _Number) else self.vectors.constant(other)
        return self.vectors.builder.fcmp_ordered(operator, self.value, other)

    def fma(self, factor: _Number, summand: Any) -> _Number:
        summand = summand.value if isinstance(summand, _Number) else self.vectors.constant(summand)
        return _Number(self.vectors, self.vectors.fma(self.value, factor.value, summand))

    def call(self, name: str) -> _Number:
        return _Number(self.vectors, self.vectors.call(name, self.value))


def _series(x: _Number, first: int) -> _Number:
    """The series of :mod:`.crossing`, with its sums in the same order."""
    f = [_Number(x.vectors, x.vectors.constant(INVERSE_FACTORIALS[first + n])) for n in range(13)]
    x_2 = x * x
    x_4 = x_2 * x_2
    low = f[3].fma(x, f[2]).fma(x_2, f[1].fma(x, f[0]))
    middle = f[7].fma(x, f[6]).fma(x_2, f[5].fma(x, f[4]))
    high = f[11].fma(x, f[10]).fma(x_2, f[9].fma(x, f[8]))
    return f[12].fma(x_4, high).fma(x_4, middle).fma(x_4, low)


def _solve(v0: _Number, i0: _Number, gap: _Number, tau_m: _Number, tau_s: _Number, *, equal: bool) -> Any:
    """What :func:`solve` writes, as LLVM vectors; of equal time constants one of the two series is 1."""
    vectors = v0.vectors
    builder = vectors.builder
    one = _Number(vectors, vectors.constant(1.0))
    rate_m, rate_s = one / tau_m, one / tau_s
    rate_x = rate_s - rate_m
    # Within this, the series converge to the last bits.
    larger = builder.select(rate_s.compared(">", rate_x.call("fabs")), rate_s.value, rate_x.call("fabs").value)
    shortest = _Number(vectors, vectors.constant(0.25)) / _Number(vectors, larger)

    slope = i0 * rate_s - v0 * rate_m
    curvature = i0 * rate_s * rate_s + slope * rate_m
    bend = v0.call("fabs") * rate_m * rate_m + i0 * rate_s * (rate_m + rate_s)
    discriminant = slope * slope - curvature * 2.0 * (one - v0)
    usual = [v0.compared("<", 1.0), i0.compared(">", 0.0), slope.compared(">", 0.0), discriminant.compared(">", 0.0)]
    s = (one - v0) * 2.0 / (slope + discriminant.call("sqrt"))
    for third_order in (0.5, 0.0):
        usual += [s.compared(">", 0.0), s.compared("<=", shortest)]
        es = _series(-s * rate_s, 0)
        tr = es * s * rate_s
        if not equal:
            x = s * rate_x
            growth = _series(x, 1)
            tr = tr * growth
        v = v0 * es if equal else v0 * es * (x * growth + 1.0)
        v, i = v + i0 * tr, i0 * es
        slope = i * rate_s - v * rate_m
        usual.append(slope.compared(">", 0.0))
        per_slope = one / slope
        step = (one - v) * per_slope
        if third_order:
            step = step * (step * third_order * per_slope * (i * rate_s * rate_s + slope * rate_m) + 1.0)
        s = s + step
    usual += [(step * step * bend).compared("<=", tau_m * 1e-17 * slope), s.compared(">=", 0.0)]
    all_usual = usual[0]
    for condition in usual[1:]:
        all_usual = builder.and_(all_usual, condition)
    es_at, tr_at = es * (one - step * rate_s), tr + step * (es * rate_s - tr * rate_m)
    slope = i0 * es_at * rate_s - rate_m  # V is 1 there
    # So near the end of the gap that rounding would decide, the other function does.
    beyond = s.compared(">", gap * (1.0 + 1e-9))
    decided = builder.and_(all_usual, builder.or_(beyond, s.compared("<=", gap)))
    s_out = builder.select(beyond, vectors.constant(float("inf")), s.value)
    s_out = builder.select(decided, s_out, vectors.constant(float("nan")))
    return s_out, (tr_at / slope).value, (es_at / slope).value


@intrinsic
def solve(typingctx, v_at, i_at, gap, s_out, sens_v, sens_i, start, tau_m, tau_s):  # type: ignore[no-untyped-def]
    """:func:`.crossing.crossing` for entries `start` to ``start + LANES``: times, k(s) / V' and exp(-s / tau_syn) / V'.

    Quick where it is the usual case: within a quarter of a time constant, where a short series is exp() to the last
    bits, and at the root after one step of Chebyshev's method and one of Newton's. Elsewhere the time is NaN.
    """
    signature = types.void(v_at, i_at, gap, s_out, sens_v, sens_i, types.int64, types.float64, types.float64)

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        vectors = Vectors(builder, True)
        places = [
            data_pointer(context, builder, kind, value, args[6])
            for kind, value in zip(signature.args[:6], args[:6], strict=True)
        ]
        equal = builder.fcmp_ordered("==", args[7], args[8])
        with builder.if_else(equal) as (then, otherwise):
            for branch, is_equal in ((then, True), (otherwise, False)):
                with branch:
                    inputs = [_Number(vectors, vectors.load(place, 0)) for place in places[:3]]
                    taus = [_Number(vectors, vectors.splat(tau)) for tau in args[7:9]]
                    for value, place in zip(_solve(*inputs, *taus, equal=is_equal), places[3:], strict=True):
                        vectors.store(value, place, 0)
        return context.get_dummy_value()

    return signature, generate
