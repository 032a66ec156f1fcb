"""Putting in order what nearly is, as LLVM vector code: see :mod:`.simd` for why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .simd import Vectors, data_pointer

PADDING = 16  # entries beyond the last that are read, and have to be infinite
_ROUNDS = 4  # so that up to four neighbours in any order are put in theirs
_I8, _I32, _I64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)


def _loop(builder: Any, start: int, stop: Any, step: int, carried: Any, body: Callable[[Any, Any], Any]) -> Any:
    """``for k in range(start, stop, step): carried = body(k, carried)``."""
    entry = builder.block
    head, inside, leave = (builder.append_basic_block(name) for name in ("head", "body", "leave"))
    builder.branch(head)
    builder.position_at_end(head)
    k, now = builder.phi(_I64), builder.phi(carried.type)
    k.add_incoming(ir.Constant(_I64, start), entry)
    now.add_incoming(carried, entry)
    builder.cbranch(builder.icmp_signed("<", k, stop), inside, leave)
    builder.position_at_end(inside)
    after = body(k, now)
    k.add_incoming(builder.add(k, ir.Constant(_I64, step)), builder.block)
    now.add_incoming(after, builder.block)
    builder.branch(head)
    builder.position_at_end(leave)
    return now


@intrinsic
def order_neighbours(typingctx, n, time, index):  # type: ignore[no-untyped-def]
    """Exchange neighbours of the first `n` entries that are in the wrong order, in turn all pairs that begin at an even
    and all that begin at an odd place.

    ``time`` is a contiguous array of doubles, with PADDING infinite ones after the first `n`; ``index`` one of 32-bit
    integers that goes with it. Equal times keep their order.

    Returns
    -------
    bool
        Whether all are in order now.
    """
    signature = types.boolean(types.int64, time, index)

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        n = args[0]
        time_at, index_at = (
            data_pointer(context, builder, kind, value)
            for kind, value in zip(signature.args[1:], args[1:], strict=True)
        )
        vectors = Vectors(builder, True)
        lanes = range(vectors.n_lanes)

        def shuffled(vector: Any, order: list[int]) -> Any:
            return builder.shuffle_vector(vector, vector, ir.Constant(ir.VectorType(_I32, len(order)), order))

        def exchange(k: Any, carried: Any) -> Any:
            t_at, i_at = builder.gep(time_at, [k]), builder.gep(index_at, [k])
            t, i = vectors.load(t_at, 0), vectors.load_integers(i_at, 0)
            first, second = shuffled(t, [q & ~1 for q in lanes]), shuffled(t, [q | 1 for q in lanes])
            wrong = builder.fcmp_ordered(">", first, second)
            other = [q ^ 1 for q in lanes]
            vectors.store(builder.select(wrong, shuffled(t, other), t), t_at, 0)
            vectors.store_integers(builder.select(wrong, shuffled(i, other), i), i_at, 0)
            return carried

        def compare(k: Any, carried: Any) -> Any:
            t_at = builder.gep(time_at, [k])
            t, following = vectors.load(t_at, 0), vectors.load(builder.gep(t_at, [ir.Constant(_I64, 1)]), 0)
            return builder.or_(carried, builder.bitcast(builder.fcmp_ordered(">", t, following), _I8))

        nothing = ir.Constant(_I8, 0)
        for number in range(_ROUNDS):
            _loop(builder, number % 2, n, vectors.n_lanes, nothing, exchange)
        wrong = _loop(builder, 0, n, vectors.n_lanes, nothing, compare)
        return builder.icmp_unsigned("==", wrong, nothing)

    return signature, generate
